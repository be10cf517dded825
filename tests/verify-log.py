#!/usr/bin/env python3
"""Checks that an event is in a log: one checkpoint, and leaves with their inclusion proofs.

Written from docs/AUDIT-FORMAT.md alone, and shares no code with the service: Python's standard library, and the
openssl command (3.0 or later) for SM3 and SM2. It keeps no state, so whoever runs it keeps the highest checkpoint and gives it
again as FIRST. It tells nothing that a file says before the file is verified.
Exit codes: 0 all holds; 1 something does not hold, or a file is not of the format; 2 the check could not be made.
"""
import argparse
import base64
import datetime
import functools
import os
import re
import subprocess
import sys
import tempfile
import unicodedata

ARC = bytes.fromhex("0615698dcaf9fff4ffa29685aca6b39dfdd490cb4c03")  # an identifier without its last byte
LEAF, CHECKPOINT, INCLUSION, CONSISTENCY = 1, 2, 3, 4
KEY = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")  # an SM2 SubjectPublicKeyInfo up to X
EMPTY = bytes.fromhex("1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b")  # root without leaves: SM3 of nothing
COUNT = 2**63 - 1
TIME = 253402300799999
SMALL, LARGE = 4096, 332_637  # bytes of the largest checkpoint or proof and, to the byte, of the largest leaf
OUTCOMES = ["done", "refused", "failed", "intended"]
ACTORS = ["officer", "service", "job", "unknown"]


class Refused(Exception):
    """What was given does not hold."""


class Unable(Exception):
    """The check could not be made."""


def need(holds, reason):
    if not holds:
        raise Refused(reason)


class Der:
    """Reads the elements within one DER value, one after the other, and refuses what is not DER."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def tag(self):
        return self.data[self.at] if self.at < len(self.data) else None

    def take(self, tag):
        """The content of the next element, which must have this tag."""
        data, at = self.data, self.at + 2
        need(len(data) >= at, "the data end too early")
        need(data[at - 2] == tag, f"tag {data[at - 2]:02x} where {tag:02x} belongs")
        length = data[at - 1]
        if length > 0x80:
            size = length - 0x80
            length = int.from_bytes(data[at:at + size], "big")
            need(size <= 3 and len(data) >= at + size and length >= max(0x80, 1 << 8 * (size - 1)), "a length is not DER")
            at += size
        else:
            need(length < 0x80, "a length is not DER")
        need(len(data) - at >= length, "the data end too early")
        self.at = at + length
        return data[at:self.at]

    def whole(self, tag):
        """The next element with its tag and length."""
        start = self.at
        self.take(tag)
        return self.data[start:self.at]

    def within(self):
        return Der(self.take(0x30))

    def number(self, low=0, high=COUNT, tag=0x02):
        content = self.take(tag)
        need(content, "a number has no bytes")
        value = int.from_bytes(content, "big", signed=True)
        need(len(content) == 1 or not -128 <= int.from_bytes(content[:2], "big", signed=True) <= 127, "a number is not DER")
        need(low <= value <= high, "a number is out of its range")
        return value

    def octets(self, low, high, tag=0x04):
        content = self.take(tag)
        need(low <= len(content) <= high, "an octet string has the wrong size")
        return content

    def hash(self, tag=0x04):
        return self.octets(32, 32, tag)

    def text(self):
        try:
            value = self.take(0x0C).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("a text is not UTF-8") from None
        need(1 <= len(value) <= 256, "a text is empty or too long")
        need(unicodedata.normalize("NFC", value) == value, "a text is not NFC")
        need(not any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in value), "a text has a control character")
        need(not any(0xFDD0 <= ord(c) <= 0xFDEF or ord(c) & 0xFFFE == 0xFFFE for c in value), "a text has a noncharacter")
        return value

    def start(self, structure):
        need(self.whole(0x06) == ARC + bytes([structure]), "it is another structure")
        self.number(1, 1)

    def end(self):
        need(self.at == len(self.data), "there is something after the end")


class Checkpoint:
    def __init__(self, data):
        outer = Der(data)
        inner = outer.within()
        outer.end()
        self.signed = inner.whole(0x30)
        self.signature = inner.whole(0x30)
        inner.end()
        pair = Der(self.signature).within()
        for _ in "RS":
            pair.number(1, 2**256)
        pair.end()
        tbs = Der(self.signed).within()
        tbs.start(CHECKPOINT)
        self.origin, self.epoch, self.size, self.root = tbs.text(), tbs.number(), tbs.number(), tbs.hash()
        self.time, self.key = tbs.number(0, TIME), tbs.hash()
        if tbs.tag() is not None:
            need(self.epoch > 0, "it has an override in epoch 0")
            override = tbs.within()
            override.hash(), override.number(), override.hash()
            override.end()
        tbs.end()
        need(self.size > 0 or self.root == EMPTY, "its root is not that of a log without leaves")


def read_proof(data, structure):
    """The two numbers and the path of either proof."""
    outer = Der(data)
    proof = outer.within()
    outer.end()
    proof.start(structure)
    small, large, inner, path = proof.number(), proof.number(), proof.within(), []
    proof.end()
    while inner.tag() is not None:
        path.append(inner.hash())
    need(len(path) <= 64, "its path is too long")
    need(small < large or structure == CONSISTENCY and small == large, "its numbers are in the wrong order")
    return small, large, path


def read_leaf(data):
    """One line about the event, and its masked fields."""
    outer = Der(data)
    leaf = outer.within()
    outer.end()
    leaf.start(LEAF)
    event, time, actor = leaf.octets(16, 16), leaf.number(0, TIME), leaf.within()
    who = f"{ACTORS[actor.number(0, 3, 0x0A)]} {actor.text()}"
    actor.end()
    action, thing = leaf.text(), leaf.within()
    what = f"{thing.text()} {thing.text()}"
    thing.end()
    outcome, inner, fields, masked = OUTCOMES[leaf.number(0, 3, 0x0A)], leaf.within(), {}, {}
    leaf.end()
    while inner.tag() is not None:
        field = inner.within()
        name, tag = field.text(), field.tag()
        need(name not in fields, "a field comes twice")
        if tag == 0x80:
            masked[name] = field.hash(0x80)
            fields[name] = "(masked)"
        elif tag == 0x0C:
            fields[name] = field.text()
        elif tag == 0x02:
            fields[name] = field.number(-2**63, COUNT)
        else:
            fields[name] = field.octets(0, 4096).hex()
        field.end()
    need(len(fields) <= 64, "it has too many fields")
    values = "".join(f"; {name} = {value}" for name, value in fields.items())
    return f"{event.hex()} at {show_time(time)}: {who}, {action} of {what}, {outcome}{values}", masked


def show_time(time):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=time)).isoformat(timespec="milliseconds") + "Z"


def openssl(*arguments, data):
    try:
        return subprocess.run(["openssl", "dgst", "-sm3", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise Unable(f"openssl does not run: {error.strerror}") from None


@functools.lru_cache(maxsize=4096)  # a process for each hash is slow, and the paths of several leaves have nodes in common
def sm3(data):
    done = openssl("-binary", data=data)
    if done.returncode != 0 or len(done.stdout) != 32:
        raise Unable("this openssl makes no SM3")
    return done.stdout


def node_hash(left, right):
    return sm3(b"\1" + left + right)


def verify_checkpoint(checkpoint, key):
    need(checkpoint.key == sm3(key), "it names another key than the one given")
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("key", "signature")]
        for name, data in zip(names, (key, checkpoint.signature)):
            with open(name, "wb") as file:
                file.write(data)
        done = openssl("-keyform", "DER", "-verify", names[0], "-sigopt", "distid:1234567812345678", "-signature", names[1],
                       data=checkpoint.signed)
    need(done.returncode == 0 and done.stdout.strip() == b"Verified OK", "its signature does not verify")


def verify_inclusion(checkpoint, leaf, proof):
    node, size, path = proof
    need(size == checkpoint.size, "the proof is for another size of the log")
    last, value = size - 1, sm3(b"\0" + leaf)
    for step in path:
        need(last != 0, "the path is too long")
        if node & 1 or node == last:
            value = node_hash(step, value)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, step)
        node, last = node >> 1, last >> 1
    need(last == 0, "the path is too short")
    need(value == checkpoint.root, "the path does not lead to the checkpoint's root")


def verify_consistency(older, newer, proof):
    need(older.origin == newer.origin, "the two checkpoints are of different logs")
    need(older.epoch == newer.epoch, "the log was set back between the two checkpoints: a person has to look")
    need(older.size != newer.size or older.root == newer.root, "two roots for one size: the log has shown two different things")
    small, large, path = proof
    need((small, large) == (older.size, newer.size), "the proof is for other sizes of the log")
    need(older.time <= newer.time or small == large, "the smaller log is the younger one")
    if small == 0 or small == large:
        need(not path, "the path is too long")
        return
    if small & (small - 1) == 0:
        path = [older.root] + path
    need(path, "the path is too short")
    node, last = small - 1, large - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        need(last != 0, "the path is too long")
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    need(last == 0, "the path is too short")
    need(first == older.root, "the path does not lead to the first checkpoint's root")
    need(second == newer.root, "the path does not lead to the second checkpoint's root")


def read_file(name, limit):
    """The bytes of a file, or one byte more than the limit."""
    try:
        with open(name, "rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise Unable(f"{name}: {error.strerror}") from None


def read_key(name):
    """The DER within the PEM of an SM2 public key."""
    pem = read_file(name, SMALL).decode("latin-1").strip()
    match = re.fullmatch(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END PUBLIC KEY-----", pem)
    try:
        key = base64.b64decode("".join(match[1].split()), validate=True) if match else b""
    except ValueError:
        key = b""
    if len(key) != 91 or not key.startswith(KEY):
        raise Unable(f"{name}: not the PEM of an SM2 public key")
    return key


def read_evidence(name, limit):
    data = read_file(name, limit)
    need(len(data) <= limit, "it is too large")
    return data


def step(name, action):
    """Runs one part of the check; what it refuses is said with the name of the file."""
    try:
        return action()
    except Refused as refused:
        raise Refused(f"{name}: {refused}") from None


def check_personal(masked, name, salt, value):
    need(name in masked, f"it has no masked field {name}")
    need(sm3(salt + value) == masked[name], f"the value of {name} is another")


def check(given):
    """All that was asked for, in the order of the document; the lines to print are what was verified."""
    if sm3(b"") != EMPTY:
        raise Unable("this openssl makes another SM3")
    key = read_key(given.key)

    def verified_checkpoint(name):
        checkpoint = Checkpoint(read_evidence(name, SMALL))
        need(given.origin in (None, checkpoint.origin), "it is of another log")
        verify_checkpoint(checkpoint, key)
        return checkpoint

    newest = step(given.checkpoint, lambda: verified_checkpoint(given.checkpoint))
    lines = [f"checkpoint of {newest.origin}: epoch {newest.epoch}, {newest.size} leaves, {show_time(newest.time)}"]
    if given.consistency:
        first, file = given.consistency
        older = step(first, lambda: verified_checkpoint(first))
        step(file, lambda: verify_consistency(older, newest, read_proof(read_evidence(file, SMALL), CONSISTENCY)))
        lines.append(f"it goes on from the {older.size} leaves of {show_time(older.time)}")
    for name, file in zip(given.files[::2], given.files[1::2]):
        leaf = step(name, lambda: read_evidence(name, LARGE))
        proof = step(file, lambda: read_proof(read_evidence(file, SMALL), INCLUSION))
        step(file, lambda: verify_inclusion(newest, leaf, proof))
        line, masked = step(name, lambda: read_leaf(leaf))
        lines.append(f"leaf {proof[0]}: {line}")
        if given.personal:
            step(name, lambda: check_personal(masked, *given.personal))
            lines.append(f"the masked field {given.personal[0]} has the value given")
    return lines


def main():
    parser = argparse.ArgumentParser(description="Checks that events are in a log: a checkpoint, and leaves with their inclusion proofs.",
                                     epilog="Exit codes: 0 all holds, 1 something does not hold, 2 the check could not be made.")
    parser.add_argument("checkpoint", metavar="CHECKPOINT.der")
    parser.add_argument("key", metavar="LOG-KEY.pem", help="the SM2 public key that you trust for this log")
    parser.add_argument("files", metavar="LEAF.der PROOF.der", nargs="+", help="a leaf and its inclusion proof, as often as wanted")
    parser.add_argument("--origin", metavar="NAME", help="the name of the log; without it, compare the name that is printed")
    parser.add_argument("--personal", metavar=("NAME", "SALT-HEX", "VALUE"), nargs=3,
                        help="the salt and the value of a masked field of the one leaf; VALUE - is all of standard input")
    parser.add_argument("--consistency", metavar=("FIRST.der", "PROOF.der"), nargs=2,
                        help="an earlier checkpoint by the same key, and the proof that the log goes on from it")
    given = parser.parse_args()
    if len(given.files) % 2 or given.personal and len(given.files) != 2:
        parser.error("each LEAF.der needs its PROOF.der, and --personal one leaf only")
    if given.personal:
        name, salt, value = given.personal
        if not re.fullmatch("[0-9A-Fa-f]{32}", salt):
            parser.error("a salt has 32 hexadecimal digits")
        value = sys.stdin.buffer.read(SMALL + 1) if value == "-" else os.fsencode(value)
        if len(value) > SMALL:
            parser.error("the value is too long")
        given.personal = name, bytes.fromhex(salt), value
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        print("\n".join(check(given)))
        return 0
    except Refused as refused:
        print(f"does not hold: {refused}", file=sys.stderr)
        return 1
    except Unable as unable:
        print(f"cannot check: {unable}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
