"""A pass for Apple's Wallet: a ZIP archive with a list of hashes, which the merchant's certificate signs.

Apple's "Wallet Developer Guide": `manifest.json` names the SHA-1 of every file, and `signature` is a detached PKCS#7
signature of it (CMS, RFC 5652) with the pass certificate and Apple's intermediate certificate in it.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from services.loyalty.cards.domain.bars import can_be_bars
from services.loyalty.cards.domain.images import mark
from services.loyalty.cards.domain.passes import PassFacts
from services.loyalty.cards.errors import PassIssuerInvalid

MEDIA_TYPE: Final = "application/vnd.apple.pkpass"
PEM_LENGTH_MAX: Final = 20_000

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_WORDS: Final = {
    "en": {"tier": "Tier", "member": "Member", "number": "Card number", "page": "My card"},
    "zh-Hans": {"tier": "等级", "member": "会员", "number": "卡号", "page": "我的会员卡"},
}
_ICONS: Final = {"icon.png": 29, "icon@2x.png": 58, "icon@3x.png": 87, "logo.png": 50, "logo@2x.png": 100}
_BEGINNING: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class AppleSigner:
    """A pass certificate with its key and the certificate above it; ``pass_type`` and ``team`` stand in it."""

    certificate: x509.Certificate
    key: SigningKey
    intermediate: x509.Certificate
    pass_type: str
    team: str

    @property
    def ends_at(self) -> datetime:
        """When it can sign no more."""
        return self.certificate.not_valid_after_utc


def read_signer(*, certificate: str, key: str, intermediate: str, now: datetime) -> AppleSigner:
    """The signer that three PEM texts make; all that can be wrong with them is found here, not on a phone.

    Raises:
        PassIssuerInvalid: NOT_PEM, KEY_ENCRYPTED, KEY_KIND, KEY_OF_OTHER_CERTIFICATE, NOT_VALID_NOW, NOT_ISSUED_BY_IT
            or NO_PASS_TYPE.
    """
    leaf, above = _certificate(certificate, "certificate"), _certificate(intermediate, "intermediate")
    private = _key(key)
    if private.public_key() != _public_key(leaf):
        raise PassIssuerInvalid(field="privateKey", reason="KEY_OF_OTHER_CERTIFICATE")
    for field, one in (("certificate", leaf), ("intermediate", above)):
        if not one.not_valid_before_utc <= now < one.not_valid_after_utc:
            raise PassIssuerInvalid(field=field, reason="NOT_VALID_NOW")
    try:
        leaf.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise PassIssuerInvalid(field="intermediate", reason="NOT_ISSUED_BY_IT") from error
    except UnsupportedAlgorithm as error:
        raise PassIssuerInvalid(field="intermediate", reason="KEY_KIND") from error
    pass_type, team = _named(leaf, NameOID.USER_ID), _named(leaf, NameOID.ORGANIZATIONAL_UNIT_NAME)
    if pass_type is None or team is None:
        raise PassIssuerInvalid(field="certificate", reason="NO_PASS_TYPE")
    return AppleSigner(leaf, private, above, pass_type, team)


def apple_pass(facts: PassFacts, *, signer: AppleSigner) -> bytes:
    """The ``.pkpass`` file of a member, in both languages."""
    files: dict[str, bytes] = {"pass.json": _json(_pass(facts, signer))}
    files |= {f"{language}.lproj/pass.strings": _strings(facts, language) for language in _WORDS}
    files |= {name: mark(size) for name, size in _ICONS.items()}
    manifest = _json(
        {name: hashlib.sha1(content, usedforsecurity=False).hexdigest() for name, content in files.items()}
    )
    return _zipped({**files, "manifest.json": manifest, "signature": _signature(manifest, signer)})


def _pass(facts: PassFacts, signer: AppleSigner) -> Mapping[str, Any]:
    secondary = [_field("member", facts.member_name)] if facts.member_name else []
    return {
        "formatVersion": 1,
        "passTypeIdentifier": signer.pass_type,
        "teamIdentifier": signer.team,
        "serialNumber": facts.member_id.hex,
        "organizationName": facts.merchant_name,
        "description": facts.merchant_name,
        "logoText": facts.merchant_name,
        "foregroundColor": "rgb(255, 255, 255)",
        "labelColor": "rgb(205, 229, 220)",
        "backgroundColor": "rgb(29, 107, 87)",
        "barcodes": [_barcode(facts.number)],
        "storeCard": {
            "headerFields": [_field("tier", "tier_name")] if facts.tier_name else [],
            "primaryFields": [_field("balance", facts.balance)],
            "secondaryFields": secondary,
            "auxiliaryFields": [_field("number", facts.number)],
            "backFields": [_field("page", facts.page_url)],
        },
    }


def _field(key: str, value: str) -> Mapping[str, str]:
    return {"key": key, "label": f"{key}_label", "value": value}


def _barcode(number: str) -> Mapping[str, str]:
    is_plain = can_be_bars(number)
    return {
        "format": "PKBarcodeFormatCode128" if is_plain else "PKBarcodeFormatQR",
        "message": number,
        "messageEncoding": "iso-8859-1" if is_plain else "utf-8",
        "altText": number,
    }


def _strings(facts: PassFacts, language: str) -> bytes:
    """The words that stand for the keys of labels, in the format of Apple's `.strings`."""
    place = 0 if language == "en" else 1
    words = {f"{key}_label": word for key, word in _WORDS[language].items()}
    words["balance_label"] = facts.unit_name[place]
    if facts.tier_name:
        words["tier_name"] = facts.tier_name[place]
    lines = [f"{json.dumps(key)} = {json.dumps(word, ensure_ascii=False)};" for key, word in sorted(words.items())]
    return "\n".join((*lines, "")).encode()


def _signature(manifest: bytes, signer: AppleSigner) -> bytes:
    return (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(manifest)
        .add_signer(signer.certificate, signer.key, SHA256())
        .add_certificate(signer.intermediate)
        .sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
    )


def _zipped(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            # The same content gives the same bytes, whenever it is packed.
            zipped.writestr(zipfile.ZipInfo(name, date_time=_BEGINNING), content, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _certificate(pem: str, field: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem[:PEM_LENGTH_MAX].encode())
    except ValueError as error:
        raise PassIssuerInvalid(field=field, reason="NOT_PEM") from error


def _public_key(certificate: x509.Certificate) -> CertificatePublicKeyTypes:
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PassIssuerInvalid(field="certificate", reason="KEY_KIND") from error


def _key(pem: str) -> SigningKey:
    try:
        key = serialization.load_pem_private_key(pem[:PEM_LENGTH_MAX].encode(), password=None)
    except TypeError as error:
        raise PassIssuerInvalid(field="privateKey", reason="KEY_ENCRYPTED") from error
    except ValueError as error:
        raise PassIssuerInvalid(field="privateKey", reason="NOT_PEM") from error
    except UnsupportedAlgorithm as error:
        raise PassIssuerInvalid(field="privateKey", reason="KEY_KIND") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise PassIssuerInvalid(field="privateKey", reason="KEY_KIND")
    return key


def _named(certificate: x509.Certificate, name: x509.ObjectIdentifier) -> str | None:
    found = certificate.subject.get_attributes_for_oid(name)
    return str(found[0].value) if found else None
