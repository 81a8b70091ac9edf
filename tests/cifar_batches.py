"""Files as CIFAR-10 publishes them, of any images: for tests of the reader."""

import gzip
import io
import struct
import tarfile


def python2_batch(images, labels, label="training batch 1 of 5"):
    """What Python 2's cPickle (protocol 2) wrote for a batch; no Python 3 writes such strings."""

    def string(content):
        short = len(content) < 256
        return (
            b"U" + bytes([len(content)]) if short else b"T" + struct.pack("<i", len(content))
        ) + (content)

    def integer(number):
        return b"J" + struct.pack("<i", number)

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07("
        + b"K\x01"
        + integer(images.shape[0])
        + integer(images[0].size)
        + b"\x86cnumpy\ndtype\nq\x08U\x02u1K\x00K\x01\x87Rq\x09(K\x03U\x01|NNN"
        + integer(-1) * 2
        + b"K\x00tb\x89"
        + string(images.tobytes())
        + b"tb"
    )
    numbers = b"".join(b"K" + bytes([number]) for number in labels)
    names = b"".join(string(b"photo_%d.png" % number) for number in range(len(labels)))
    return (
        b"\x80\x02}q\x01("
        + (string(b"data") + b"q\x02" + array)
        + (string(b"labels") + b"q\x03](" + numbers + b"e")
        + (string(b"batch_label") + b"q\x04" + string(label.encode()))
        + (string(b"filenames") + b"]q\x0a(" + names + b"e")
        + b"u."
    )


def archive_of(files, folder):
    """A .tar.gz with a folder of files, as the published one is."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        directory = tarfile.TarInfo(folder)
        directory.type = tarfile.DIRTYPE
        archive.addfile(directory)
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)
