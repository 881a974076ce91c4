"""Drills: the service as real processes, on real disks and beside real servers, while these fail under load."""
