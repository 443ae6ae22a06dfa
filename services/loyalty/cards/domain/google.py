"""A link that saves a card in Google's Wallet: a JWT (RFC 7519) with the class and the object, signed with RS256.

Google's "Loyalty cards" guide: the link alone makes class and object, so that nothing of ours calls Google.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from services.loyalty.cards.domain.bars import can_be_bars
from services.loyalty.cards.domain.passes import PassFacts
from services.loyalty.cards.errors import PassIssuerInvalid

SAVE_URL: Final = "https://pay.google.com/gp/v/save/"
KEY_LENGTH_MAX: Final = 20_000
KEY_BITS_MIN: Final = 2048

_ISSUER = re.compile(r"[0-9]{1,30}")
_ACCOUNT = re.compile(r"[a-z0-9.-]{1,100}@[a-z0-9.-]{1,200}")


@dataclass(frozen=True, slots=True)
class GoogleSigner:
    """A service account with its key, and the issuer's number for which it may sign."""

    issuer: str
    account: str
    key: rsa.RSAPrivateKey


def read_google_signer(*, issuer: str, account: str, key: str) -> GoogleSigner:
    """The signer that an issuer's number, a service account's address and its key make.

    Raises:
        PassIssuerInvalid: MALFORMED, NOT_PEM, KEY_ENCRYPTED or KEY_KIND.
    """
    if not _ISSUER.fullmatch(issuer):
        raise PassIssuerInvalid(field="issuerId", reason="MALFORMED")
    if not _ACCOUNT.fullmatch(account):
        raise PassIssuerInvalid(field="serviceAccount", reason="MALFORMED")
    try:
        private = serialization.load_pem_private_key(key[:KEY_LENGTH_MAX].encode(), password=None)
    except TypeError as error:
        raise PassIssuerInvalid(field="privateKey", reason="KEY_ENCRYPTED") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PassIssuerInvalid(field="privateKey", reason="NOT_PEM") from error
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < KEY_BITS_MIN:
        raise PassIssuerInvalid(field="privateKey", reason="KEY_KIND")
    return GoogleSigner(issuer, account, private)


def google_save_url(facts: PassFacts, *, signer: GoogleSigner, tenant_id: UUID, logo_url: str, at: datetime) -> str:
    """The address that saves a member's card; ``logo_url`` must be reachable by Google, ``at`` is the wall clock's.

    Google's "Issuing passes for web, email, SMS" calls 1,800 characters of JWT safe, longer ones may be cut on their
    way. Hence nothing stands in it twice: with names of ordinary length it is shorter.
    """
    class_id = f"{signer.issuer}.{tenant_id.hex}"
    claims = {
        "iss": signer.account,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(at.timestamp()),
        # Sites that show Google's button by its script: a link alone needs none.
        "origins": [],
        "payload": {
            "loyaltyClasses": [_class(facts, class_id, logo_url)],
            "loyaltyObjects": [_object(facts, class_id, f"{signer.issuer}.{facts.member_id.hex}")],
        },
    }
    return SAVE_URL + _jwt(claims, signer.key)


def _class(facts: PassFacts, class_id: str, logo_url: str) -> Mapping[str, Any]:
    return {
        "id": class_id,
        "issuerName": facts.merchant_name,
        "programName": facts.merchant_name,
        "programLogo": {"sourceUri": {"uri": logo_url}},
        "hexBackgroundColor": "#1d6b57",
        "reviewStatus": "UNDER_REVIEW",
    }


def _object(facts: PassFacts, class_id: str, object_id: str) -> Mapping[str, Any]:
    shown: dict[str, Any] = {
        "id": object_id,
        "classId": class_id,
        "state": "ACTIVE",
        "accountId": facts.number,
        "barcode": {"type": "CODE_128" if can_be_bars(facts.number) else "QR_CODE", "value": facts.number},
        "loyaltyPoints": {
            "localizedLabel": _localized(facts.unit_name),
            "balance": {"string": facts.balance},
        },
        "linksModuleData": {"uris": [{"uri": facts.page_url}]},
    }
    if facts.member_name:
        shown["accountName"] = facts.member_name
    if facts.tier_name:
        shown["textModulesData"] = [{"header": "Tier", "body": facts.tier_name[0]}]
    return shown


def _localized(text: tuple[str, str]) -> Mapping[str, Any]:
    english, chinese = text
    told: dict[str, Any] = {"defaultValue": {"language": "en", "value": english}}
    if chinese != english:
        told["translatedValues"] = [{"language": "zh-CN", "value": chinese}]
    return told


def _jwt(claims: Mapping[str, Any], key: rsa.RSAPrivateKey) -> str:
    """A JWS in its compact form (RFC 7515, 7.1) with RSASSA-PKCS1-v1_5 and SHA-256."""
    signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_base64(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


def _part(content: Mapping[str, Any]) -> str:
    return _base64(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
