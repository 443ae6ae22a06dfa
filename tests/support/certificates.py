"""Certificates of the tests: a root, an intermediate below it, and pass certificates below that, with their keys."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

FROM = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=365 * 3)
RSA_BITS = 2048

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return pem_of(self.key)


def pem_of(key: Key, *, pass_phrase: bytes | None = None) -> str:
    """A private key as PEM."""
    protection = serialization.BestAvailableEncryption(pass_phrase) if pass_phrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection).decode()


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def name_of(common: str, **more: str) -> x509.Name:
    """A subject; ``pass_type`` and ``team`` stand where Apple puts them."""
    places = {"pass_type": NameOID.USER_ID, "team": NameOID.ORGANIZATIONAL_UNIT_NAME}
    parts = [x509.NameAttribute(places[place], value) for place, value in more.items()]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def issue(subject: x509.Name, *, by: Issued | None, key: Key | None = None, begin: datetime = FROM) -> Issued:
    """A certificate, by an authority or by itself, valid for three years."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + YEARS)
    )
    return Issued(builder.sign(by.key if by else key, hashes.SHA256()), key)


@dataclass(frozen=True)
class PassAuthority:
    """What stands in for Apple: root, intermediate, and a merchant's pass certificate."""

    root: Issued
    intermediate: Issued
    leaf: Issued


def pass_authority(*, key: Key | None = None, begin: datetime = FROM) -> PassAuthority:
    root = issue(name_of("Test Root"), by=None, begin=begin)
    intermediate = issue(name_of("Test Intermediate"), by=root, begin=begin)
    subject = name_of("Pass of the tests", pass_type="pass.test.cafe", team="TEAM123456")
    return PassAuthority(root, intermediate, issue(subject, by=intermediate, key=key or rsa_key(), begin=begin))
