"""Tests. This file makes them a package of their own: a library that they use brings a ``tests``, too."""
