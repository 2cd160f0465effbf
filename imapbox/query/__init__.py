"""Which messages a criterion means.

Pure: no Twisted, no zope, no socket, no `os`; numbers in numpy's arrays, octets
and cards as they are handed in. What is cheap is looked at first, and what is
dear only where it decides. Open `program` first, then `columns`.
"""
