"""Cases that go together, and cases like one about to be filed."""
