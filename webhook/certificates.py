"""Keys and certificates: a certificate authority of our own and the leafs it signs. Pure.

ECDSA P-256: every API server since Kubernetes 1.16 takes it, and a handshake costs a tenth of
RSA's. Times are aware ``datetime`` values in UTC.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from karb_guard.model.errors import KarbGuardError

CA_VALIDITY = datetime.timedelta(days=365)
"""A year: the caBundle is kept right without hands, so a long life buys nothing, while renewals at
two thirds stay frequent enough to be known to work, and leave four months in which both the old
and the new authority are trusted."""

LEAF_VALIDITY = datetime.timedelta(days=90)
RENEW_AFTER = 2 / 3
"""The part of a certificate's life after which a new one is made."""

CLOCK_SKEW = datetime.timedelta(minutes=5)
"""Certificates count from a little earlier, for API servers whose clock is behind."""

MAX_PEM_BYTES = 256 * 1024
"""No certificate chain is larger; a file that is, is something else."""


class CertificateError(KarbGuardError):
    """A key or certificate that can't be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate (or a chain, leaf first) and its private key, both in PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "KeyPair(...)"  # never a private key in a log or a trace


def new_authority(now: datetime.datetime, validity: datetime.timedelta = CA_VALIDITY) -> KeyPair:
    """A self-signed certificate authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"karb-guard CA {now:%Y-%m-%d}")])
    builder = _builder(name, name, key, now, now + validity)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(ca=True), critical=True)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def issue_leaf(
    authority: KeyPair,
    hosts: Sequence[str],
    now: datetime.datetime,
    validity: datetime.timedelta = LEAF_VALIDITY,
) -> KeyPair:
    """A server certificate for ``hosts`` (DNS names and IP addresses), never outliving its CA."""
    ca = certificates_of(authority.certificate)[0]
    ca_key = private_key_of(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "karb-guard webhook")])
    end = min(now + validity, ca.not_valid_after_utc)
    builder = _builder(name, ca.subject, key, now, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_key_usage(ca=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_host, hosts))), False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    return _pair(builder.sign(ca_key, hashes.SHA256()), key)


def certificates_of(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text, in order. Raises ``CertificateError`` when there is none."""
    if len(pem) > MAX_PEM_BYTES:
        raise CertificateError(f"certificate: {len(pem)} bytes; at most {MAX_PEM_BYTES} are read")
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise CertificateError(f"certificate: not readable as PEM ({error})") from error
    if not found:
        raise CertificateError("certificate: the PEM text holds none")
    return found


def is_signed(leaf: x509.Certificate, ca: x509.Certificate) -> bool:
    """Whether ``ca`` itself signed ``leaf``."""
    try:
        leaf.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def private_key_of(pair: KeyPair) -> ec.EllipticCurvePrivateKey:
    """The private key of an authority made here. Raises ``CertificateError`` for any other."""
    try:
        key = serialization.load_pem_private_key(pair.key, password=None)
    except (ValueError, TypeError) as error:
        raise CertificateError("private key: not readable as unencrypted PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError("private key: not an ECDSA key")
    return key


def belong_together(pair: KeyPair) -> bool:
    """Whether the private key is that of the (first) certificate."""
    public = certificates_of(pair.certificate)[0].public_key()
    return isinstance(public, ec.EllipticCurvePublicKey) and (
        public.public_numbers() == private_key_of(pair).public_key().public_numbers()
    )


def renewal_time(certificate: x509.Certificate) -> datetime.datetime:
    """When two thirds of a certificate's life have passed."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) * RENEW_AFTER


def pem_of(certificates: Sequence[x509.Certificate]) -> bytes:
    """Certificates as one PEM text."""
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def hosts_of(certificate: x509.Certificate) -> list[str]:
    """The DNS names and IP addresses that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime.datetime,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    skew = min(CLOCK_SKEW, (end - now) / 10)  # a short life is not over before it began
    builder = builder.not_valid_before(now - skew).not_valid_after(end)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identifier, critical=False)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    return KeyPair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
