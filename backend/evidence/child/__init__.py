"""The child process: the only code that ever opens what somebody sent. It imports nothing of the product.

Run as a program (`python -I …/child WHAT ORIGINAL SERVED THUMBNAIL …`), because a hostile file may take memory, time or
the process itself (see reencoding.py), and so that it starts in 50 ms.
"""
