"""The child process that learns which words stand for which category. It imports nothing of the product.

Run as a program (`python -I …/learner`) by a job of the scheduler (see learning.py): scikit-learn takes more memory
than a web worker may have, and all of it is given back when the child ends.
"""
