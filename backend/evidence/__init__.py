"""Evidence: photos, films and sound, stripped of metadata and sealed."""
