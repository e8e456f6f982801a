"""What waits for whom, and filters that somebody keeps."""
