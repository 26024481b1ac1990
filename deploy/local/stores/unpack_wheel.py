"""unpack_wheel.py WHEEL FOLDER PREFIX...: unpacks what begins with a prefix, with the modes and links that Python's own unpacking drops."""

import os
import stat
import sys
import zipfile

wheel, folder, *prefixes = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        if entry.is_dir() or not entry.filename.startswith(tuple(prefixes)):
            continue
        target = archive.extract(entry, folder)
        mode = entry.external_attr >> 16
        if stat.S_ISLNK(mode):
            with open(target, encoding="utf-8") as link:
                goal = link.read()
            os.remove(target)
            os.symlink(goal, target)
        else:
            program = 0o111 if "/bin/" in entry.filename else 0
            os.chmod(target, (mode & 0o777) | 0o644 | program)
