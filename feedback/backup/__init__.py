"""Keeping a copy of all that is stored, and going back to one.

A backup is one ZIP file: what the database's own tool copied at one moment, and a manifest with the checksum of each
part. The day's keys of network hashes and every hash made from them stay behind. Nothing is replaced before all that
takes its place has been looked through and the erasures made since have been carried out in it.
"""
