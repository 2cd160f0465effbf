"""The only room that calls the operating system for mail.

`filesystem.FileSystem` has one method for each call; whoever puts another
object with the same methods in its place gets a simulated disk, a fault or a
scheduler. `steps` writes protocols as generators that yield such calls,
`driver` runs them in threads, `watch` tells when a file was written, `spool`
keeps a message while it arrives. Open `filesystem` first.
"""
