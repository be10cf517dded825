#!/usr/bin/env python3
"""Checks what a demo left in a folder: see check-demo.sh. Python's standard library and the openssl command; nothing of this project.

Exit codes: 0 all holds; 1 something does not; 2 the check could not be made.
"""
import base64
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

SM2_ID = "distid:1234567812345678"  # GM/T 0009: the identity where none is agreed on


class Der:
    """A DER value: its tag, content and whole encoding; iterating gives what is inside."""

    def __init__(self, data):
        first = data[1]
        size = first - 0x80 if first > 0x80 else 0
        length = int.from_bytes(data[2:2 + size], "big") if size else first
        start = 2 + size
        self.tag, self.content, self.whole = data[0], data[start:start + length], data[:start + length]
        if len(self.content) != length:
            raise ValueError("the data end too early")

    def __iter__(self):
        rest = self.content
        while rest:
            value = Der(rest)
            yield value
            rest = rest[len(value.whole):]

    def parts(self):
        return list(self)

    def integer(self):
        return int.from_bytes(self.content, "big", signed=True)

    def bits(self):
        if self.content[0] != 0:
            raise ValueError("unused bits")
        return self.content[1:]


def encode(tag, content):
    length = len(content)
    size = b"" if length < 0x80 else length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, length if not size else 0x80 + len(size)]) + size + content


def integer(value):
    return encode(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise ValueError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').strip() or done.stdout.decode(errors='replace').strip()}")
    return done.stdout


def pem_to_der(path):
    lines = path.read_text().splitlines()
    return base64.b64decode("".join(line for line in lines if line and not line.startswith("-----")))


class Certificate:
    def __init__(self, der):
        tbs = Der(der).parts()[0].parts()
        at = 1 if tbs[0].tag == 0xA0 else 0
        self.serial = tbs[at].integer()
        self.spki = tbs[at + 5].whole
        self.is_sm2 = bytes.fromhex("06082a811ccf5501822d") in self.spki  # 1.2.156.10197.1.301
        self.public = Der(self.spki).parts()[1].bits()


class Checker:
    def __init__(self, folder):
        self.folder = folder
        self.entries = json.loads((folder / "index.json").read_text())
        self.by_file = {entry["file"]: entry for entry in self.entries}
        self.certificates = {}
        self.revoked = {}  # issuer file -> serial numbers on any of its CRLs
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="check-demo-"))
        self.counts = {}

    def certificate(self, file):
        if file not in self.certificates:
            self.certificates[file] = Certificate(pem_to_der(self.folder / file))
        return self.certificates[file]

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def temporary(self, name, data):
        path = self.work / name.replace("/", "_")
        path.write_bytes(data)
        return path

    def verify_signature(self, name, spki, is_sm2, tbs, signature):
        key = self.temporary(name + ".key", b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(spki) + b"-----END PUBLIC KEY-----\n")
        data, sig = self.temporary(name + ".tbs", tbs), self.temporary(name + ".sig", signature)
        if is_sm2:
            openssl("pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-digest", "sm3", "-pkeyopt", SM2_ID, "-in", data, "-sigfile", sig)
        else:
            openssl("dgst", "-sha256", "-verify", key, "-signature", sig, data)
        for path in (key, data, sig):
            path.unlink()

    def verify_link(self, path, issuer):
        identity = ["-vfyopt", SM2_ID] if self.certificate(issuer).is_sm2 else []
        openssl("verify", *identity, "-partial_chain", "-trusted", self.folder / issuer, path)

    # What each file has to be.

    def check(self, entry):
        file, path = entry["file"], self.folder / entry["file"]
        if file.endswith(".crl"):
            return self.check_crl(entry, path)
        if file.startswith("ocsp/") and file.endswith(".response.der"):
            return self.check_ocsp(entry, path)
        if file.endswith(".key.pem"):
            return self.check_key(entry, path)
        if file.endswith(".csr") and "of" in entry and entry["of"]:
            return self.check_request(entry, path)
        if file.endswith(".envelope.der"):
            return self.check_envelope(entry, path)
        if file.endswith(".skf.blob"):
            return self.check_blob(entry, path)
        if file.endswith(".pem") and entry.get("issuer"):
            return self.check_certificate(entry, path)
        return None

    def check_certificate(self, entry, path):
        self.verify_link(path, entry["issuer"])
        certificate = self.certificate(entry["file"])
        if certificate.serial != int(entry["serial"], 16):
            raise ValueError("another serial number than the index says")
        if entry.get("status") == "revoked" and certificate.serial not in self.revoked.get(entry["issuer"], set()):
            raise ValueError("revoked or held, and on no CRL")
        if entry.get("status") == "good" and certificate.serial in self.revoked.get(entry["issuer"], set()):
            raise ValueError("good, and on a CRL")
        self.count("certificates")

    def check_key(self, entry, path):
        if openssl("pkey", "-in", path, "-pubout", "-outform", "DER") != self.certificate(entry["of"]).spki:
            raise ValueError("not the key of its certificate")
        self.count("keys")

    def check_request(self, entry, path):
        certificate = self.certificate(entry["of"])
        identity = ["-vfyopt", SM2_ID] if certificate.is_sm2 else []
        openssl("req", "-in", path, "-verify", "-noout", *identity)
        spki = Der(pem_to_der(path)).parts()[0].parts()[2].whole
        if spki != certificate.spki:
            raise ValueError("of another key than its certificate")
        self.count("requests")

    def open_cipher(self, entry, cipher):
        """The SM4 key in an SM2 ciphertext (GM/T 0009: x, y, hash, cipher), opened with the signing key."""
        key = self.folder / entry["of"].replace("-enc.pem", "-sign.key.pem")
        return openssl("pkeyutl", "-decrypt", "-inkey", key, "-in", self.temporary(entry["file"], cipher))

    def compare_private(self, entry, sealed, sm4, public):
        if len(sm4) != 16:
            raise ValueError("the envelope has no SM4 key")
        plain = openssl("enc", "-d", "-sm4-ecb", "-nopad", "-K", sm4.hex(), data=sealed)
        certificate = self.certificate(entry["of"])
        if public != certificate.public:
            raise ValueError("the envelope is of another key pair than its certificate")
        key = self.folder / entry["of"].replace(".pem", ".key.pem")
        text = openssl("pkey", "-in", key, "-noout", "-text").decode()
        private = text[text.index("priv:") + 5:text.index("pub:")]
        expected = int("".join(private.split()).replace(":", ""), 16)
        if any(plain[:-32]) or int.from_bytes(plain[-32:], "big") != expected:
            raise ValueError("another private key than that of the certificate is in it")

    def check_envelope(self, entry, path):
        _, cipher, public, sealed = Der(path.read_bytes()).parts()
        self.compare_private(entry, sealed.bits(), self.open_cipher(entry, cipher.whole), public.bits())
        self.count("envelopes")

    def check_blob(self, entry, path):
        """ENVELOPEDKEYBLOB, 388 bytes, little-endian numbers: version, algorithm, bits, 64 of the key, its public key (bits, 64, 64), the cipher (64, 64, 32, length, 16)."""
        blob = path.read_bytes()
        if len(blob) != 388:
            raise ValueError("not 388 bytes")
        sealed, public = blob[12:76], b"\x04" + blob[112:144] + blob[176:208]
        at = 208
        x, y, digest = blob[at + 32:at + 64], blob[at + 96:at + 128], blob[at + 128:at + 160]
        length = int.from_bytes(blob[at + 160:at + 164], "little")
        cipher = encode(0x30, integer(int.from_bytes(x, "big")) + integer(int.from_bytes(y, "big")) + encode(4, digest) + encode(4, blob[at + 164:at + 164 + length]))
        self.compare_private(entry, sealed, self.open_cipher(entry, cipher), public)
        self.count("token blobs")

    def check_crl(self, entry, path):
        tbs, _, signature = Der(path.read_bytes()).parts()
        issuer = self.certificate(entry["issuer"])
        self.verify_signature(entry["file"], issuer.spki, issuer.is_sm2, tbs.whole, signature.bits())
        self.count("CRLs")

    def read_crl(self, entry):
        tbs = Der((self.folder / entry["file"]).read_bytes()).parts()[0].parts()
        times = [i for i, part in enumerate(tbs) if part.tag in (0x17, 0x18)]
        rest = tbs[times[-1] + 1:]
        serials = {revoked.parts()[0].integer() for revoked in rest[0]} if rest and rest[0].tag == 0x30 else set()
        self.revoked.setdefault(entry["issuer"], set()).update(serials)

    def check_ocsp(self, entry, path):
        status, response = Der(path.read_bytes()).parts()
        if status.content != b"\x00":
            raise ValueError("not successful")
        basic = Der(response.parts()[0].parts()[1].content).parts()
        tbs, _, signature = basic[:3]
        certificate, issuer = self.certificate(entry["of"]), self.by_file[entry["of"]]["issuer"]
        signer = self.certificate(issuer)
        if len(basic) > 3:
            delegate = basic[3].parts()[0].parts()[0].whole
            pem = self.temporary(entry["file"] + ".pem", b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(delegate) + b"-----END CERTIFICATE-----\n")
            self.verify_link(pem, issuer)
            signer = Certificate(delegate)
        self.verify_signature(entry["file"], signer.spki, signer.is_sm2, tbs.whole, signature.bits())
        responses = next(part for part in tbs.parts() if part.tag == 0x30)
        single = next((each.parts() for each in responses if each.parts()[0].parts()[3].integer() == certificate.serial), None)
        if single is None:
            raise ValueError("it does not speak of the certificate")
        said = {0x80: "good", 0xA1: "revoked", 0x82: "unknown"}.get(single[1].tag)
        if said != entry["status"]:
            raise ValueError(f"it says {said}, and should say {entry['status']}")
        self.count("OCSP responses")

    def run(self):
        for entry in self.entries:
            if entry["file"].endswith(".crl"):
                self.read_crl(entry)
        faults = []
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for entry, done in [(entry, pool.submit(self.check, entry)) for entry in self.entries]:
                try:
                    done.result()
                except (ValueError, OSError, IndexError, KeyError, StopIteration) as fault:
                    faults.append(f"{entry['file']}: {fault}")
        if (self.folder / "tampered.pem").exists():
            try:
                self.verify_link(self.folder / "tampered.pem", next(each["issuer"] for each in self.entries if each["file"].startswith("subscribers/") and each.get("issuer")))
                faults.append("tampered.pem: it verifies, with a bit changed")
            except ValueError:
                self.count("refused, with a bit changed")
        return faults


def main():
    if len(sys.argv) != 2:
        print("use: check-demo.py DIR", file=sys.stderr)
        return 2
    checker = Checker(pathlib.Path(sys.argv[1]))
    faults = checker.run()
    for fault in faults:
        print(f"FAILED {fault}")
    wanted = ["certificates", "keys", "requests", "envelopes", "token blobs", "CRLs", "OCSP responses"]
    missing = [what for what in wanted if not checker.counts.get(what)]
    if missing:
        print(f"FAILED nothing was checked of: {', '.join(missing)}")
    print(", ".join(f"{number} {what}" for what, number in sorted(checker.counts.items())) + f"; {len(faults) + len(missing)} failed")
    return 1 if faults or missing else 0


if __name__ == "__main__":
    sys.exit(main())
