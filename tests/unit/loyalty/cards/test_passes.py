"""Passes for phones: what is in the files, and that their signatures hold up to the authority's root."""

import base64
import dataclasses
import hashlib
import io
import json
import textwrap
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs7

from services.loyalty.cards.domain import PassFacts
from services.loyalty.cards.domain.apple import apple_pass, read_signer
from services.loyalty.cards.domain.google import SAVE_URL, google_save_url, read_google_signer
from services.loyalty.cards.domain.images import mark
from services.loyalty.cards.errors import PassIssuerInvalid
from services.loyalty.cards.queries import shown_points
from tests.support.certificates import Issued, PassAuthority, issue, name_of, pass_authority, pem_of, rsa_key

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
FACTS = PassFacts(
    member_id=UUID("01a20000-0000-7000-8000-000000000001"),
    number="9012345678901234",
    member_name="林小满",
    merchant_name="林间咖啡",
    balance="1,250",
    unit_name=("Beans", "咖啡豆"),
    tier_name=("Regular", "常客"),
    page_url="http://regulars.test/w/linjian",
)
P256, PRIME239V2 = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d030105")
"""The object identifiers of two curves, in DER."""
SIGNED_ATTRIBUTES, MESSAGE_DIGEST = 0xA0, "1.2.840.113549.1.9.4"


@pytest.fixture(scope="module")
def authority() -> PassAuthority:
    return pass_authority()


def files_of(authority: PassAuthority, facts: PassFacts = FACTS) -> dict[str, bytes]:
    signer = read_signer(
        certificate=authority.leaf.pem,
        key=authority.leaf.key_pem,
        intermediate=authority.intermediate.pem,
        now=NOW,
    )
    with zipfile.ZipFile(io.BytesIO(apple_pass(facts, signer=signer))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_manifest_names_every_file_by_its_hash(authority: PassAuthority) -> None:
    files = files_of(authority)

    manifest = json.loads(files["manifest.json"])
    others = {name: content for name, content in files.items() if name not in {"manifest.json", "signature"}}
    assert manifest == {name: hashlib.sha1(content).hexdigest() for name, content in others.items()}  # noqa: S324  Apple's
    assert set(others) == {
        "pass.json",
        "en.lproj/pass.strings",
        "zh-Hans.lproj/pass.strings",
        "icon.png",
        "icon@2x.png",
        "icon@3x.png",
        "logo.png",
        "logo@2x.png",
    }


def test_the_pass_shows_the_member_in_both_languages(authority: PassAuthority) -> None:
    files = files_of(authority)

    shown = json.loads(files["pass.json"])
    assert (shown["formatVersion"], shown["passTypeIdentifier"], shown["teamIdentifier"]) == (
        1,
        "pass.test.cafe",
        "TEAM123456",
    )
    assert (shown["organizationName"], shown["serialNumber"]) == ("林间咖啡", FACTS.member_id.hex)
    assert shown["barcodes"] == [
        {
            "format": "PKBarcodeFormatCode128",
            "message": "9012345678901234",
            "messageEncoding": "iso-8859-1",
            "altText": "9012345678901234",
        }
    ]
    assert shown["storeCard"]["primaryFields"] == [{"key": "balance", "label": "balance_label", "value": "1,250"}]
    assert shown["storeCard"]["headerFields"] == [{"key": "tier", "label": "tier_label", "value": "tier_name"}]
    assert '"balance_label" = "咖啡豆";' in files["zh-Hans.lproj/pass.strings"].decode()
    assert '"tier_name" = "Regular";' in files["en.lproj/pass.strings"].decode()


def test_a_number_that_is_no_bars_becomes_a_qr_code(authority: PassAuthority) -> None:
    shown = json.loads(files_of(authority, dataclasses.replace(FACTS, number="会员-7"))["pass.json"])

    assert shown["barcodes"][0]["format"] == "PKBarcodeFormatQR"


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_the_signature_holds_up_to_the_root(kind: str) -> None:
    authority = pass_authority(key=rsa_key() if kind == "rsa" else ec.generate_private_key(ec.SECP256R1()))
    files = files_of(authority)

    check_signature(files["signature"], files["manifest.json"], root=authority.root)


def test_a_changed_manifest_breaks_the_signature(authority: PassAuthority) -> None:
    files = files_of(authority)

    with pytest.raises(AssertionError, match="digest"):
        check_signature(files["signature"], files["manifest.json"] + b" ", root=authority.root)


def test_the_signature_of_another_authority_does_not_hold(authority: PassAuthority) -> None:
    files = files_of(authority)

    with pytest.raises(InvalidSignature):
        check_signature(files["signature"], files["manifest.json"], root=pass_authority().root)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"certificate": "none"}, "certificate", "NOT_PEM"),
        ({"intermediate": "none"}, "intermediate", "NOT_PEM"),
        ({"key": "none"}, "privateKey", "NOT_PEM"),
        ({"key": pem_of(rsa_key())}, "privateKey", "KEY_OF_OTHER_CERTIFICATE"),
        ({"key": pem_of(rsa_key(), pass_phrase=b"secret")}, "privateKey", "KEY_ENCRYPTED"),
        ({"intermediate": pass_authority().intermediate.pem}, "intermediate", "NOT_ISSUED_BY_IT"),
        ({"now": NOW + timedelta(days=2000)}, "certificate", "NOT_VALID_NOW"),
        ({"now": NOW - timedelta(days=2000)}, "certificate", "NOT_VALID_NOW"),
    ],
)
def test_what_cannot_sign_is_refused_when_it_is_given(
    authority: PassAuthority, changes: dict[str, Any], field: str, reason: str
) -> None:
    given: dict[str, Any] = {
        "certificate": authority.leaf.pem,
        "key": authority.leaf.key_pem,
        "intermediate": authority.intermediate.pem,
        "now": NOW,
    }

    with pytest.raises(PassIssuerInvalid) as refusal:
        read_signer(**(given | changes))

    assert (refusal.value.field, refusal.value.reason) == (field, reason)


@pytest.mark.parametrize(
    ("odd_one", "field"),
    [("certificate", "certificate"), ("key", "privateKey"), ("intermediate", "intermediate")],
)
def test_a_curve_that_nobody_here_knows_is_refused(odd_one: str, field: str) -> None:
    authority = pass_authority(key=ec.generate_private_key(ec.SECP256R1()))
    given = {
        "certificate": authority.leaf.pem,
        "key": authority.leaf.key_pem,
        "intermediate": authority.intermediate.pem,
    }

    with pytest.raises(PassIssuerInvalid) as refusal:
        read_signer(**(given | {odd_one: on_another_curve(given[odd_one])}), now=NOW)

    assert (refusal.value.field, refusal.value.reason) == (field, "KEY_KIND")


def on_another_curve(pem: str) -> str:
    """The PEM text with the number of P-256 exchanged for that of X9.62's prime239v2, which hardly anybody knows."""
    begin, *lines, end = pem.strip().splitlines()
    content = base64.b64decode("".join(lines)).replace(P256, PRIME239V2)
    return "\n".join((begin, *textwrap.wrap(base64.b64encode(content).decode(), 64), end, ""))


def test_a_certificate_without_a_pass_type_is_refused(authority: PassAuthority) -> None:
    plain = issue(name_of("No pass"), by=authority.intermediate)

    with pytest.raises(PassIssuerInvalid) as refusal:
        read_signer(certificate=plain.pem, key=plain.key_pem, intermediate=authority.intermediate.pem, now=NOW)

    assert refusal.value.reason == "NO_PASS_TYPE"


def test_googles_link_is_a_token_that_its_key_signed() -> None:
    key = rsa_key()
    signer = read_google_signer(issuer="3388000000012345678", account="cards@shop.iam.example", key=pem_of(key))
    tenant_id = UUID(int=7)

    url = google_save_url(
        FACTS,
        signer=signer,
        tenant_id=tenant_id,
        logo_url="http://regulars.test/w/mark.png",
        at=NOW,
    )

    assert url.startswith(SAVE_URL)
    header, claims, signature = url.removeprefix(SAVE_URL).split(".")
    key.public_key().verify(unpadded(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), SHA256())
    assert json.loads(unpadded(header)) == {"alg": "RS256", "typ": "JWT"}
    told = json.loads(unpadded(claims))
    assert {name: told[name] for name in ("iss", "aud", "typ", "iat", "origins")} == {
        "iss": "cards@shop.iam.example",
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(NOW.timestamp()),
        "origins": [],
    }
    (card,) = told["payload"]["loyaltyObjects"]
    (shop,) = told["payload"]["loyaltyClasses"]
    assert card["classId"] == shop["id"] == f"3388000000012345678.{tenant_id.hex}"
    assert card["id"] == f"3388000000012345678.{FACTS.member_id.hex}"
    assert card["barcode"] == {"type": "CODE_128", "value": FACTS.number}
    assert (card["accountId"], card["accountName"]) == (FACTS.number, "林小满")
    assert card["loyaltyPoints"] == {
        "localizedLabel": {
            "defaultValue": {"language": "en", "value": "Beans"},
            "translatedValues": [{"language": "zh-CN", "value": "咖啡豆"}],
        },
        "balance": {"string": "1,250"},
    }
    assert card["textModulesData"] == [{"header": "Tier", "body": "Regular"}]
    assert card["linksModuleData"] == {"uris": [{"uri": FACTS.page_url}]}


@pytest.mark.parametrize(
    ("merchant", "member"),
    [("Shanghai Tea House", "Maria Fernandez"), ("上海茶馆连锁有限公司", "王小明")],
)
def test_googles_link_is_short_enough_for_browsers_and_messengers(merchant: str, member: str) -> None:
    account = "loyalty@merchant-project-123456.iam.gserviceaccount.com"
    signer = read_google_signer(issuer="3388000000012345678", account=account, key=pem_of(rsa_key()))
    facts = dataclasses.replace(
        FACTS,
        merchant_name=merchant,
        member_name=member,
        unit_name=("Points", "积分"),
        tier_name=("Gold", "黄金会员"),
        balance="12,345",
        page_url="https://loyalty.example.com/w/shanghai-tea-house",
    )
    logo_url = "https://loyalty.example.com/w/mark.png"

    url = google_save_url(facts, signer=signer, tenant_id=UUID(int=7), logo_url=logo_url, at=NOW)

    assert len(url.removeprefix(SAVE_URL)) <= 1_800, "what Google's guide for links calls safe"


def test_what_has_no_name_or_one_in_both_languages_stands_once() -> None:
    signer = read_google_signer(issuer="3388", account="cards@shop.iam.example", key=pem_of(rsa_key()))
    facts = dataclasses.replace(FACTS, member_name=None, unit_name=("Beans", "Beans"))

    url = google_save_url(facts, signer=signer, tenant_id=UUID(int=7), logo_url="http://r.test/w/mark.png", at=NOW)

    (card,) = json.loads(unpadded(url.split(".")[-2]))["payload"]["loyaltyObjects"]
    assert (card["accountId"], "accountName" in card) == (FACTS.number, False)
    assert card["loyaltyPoints"]["localizedLabel"] == {"defaultValue": {"language": "en", "value": "Beans"}}


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"issuer": "me"}, "issuerId", "MALFORMED"),
        ({"account": "nobody"}, "serviceAccount", "MALFORMED"),
        ({"key": "none"}, "privateKey", "NOT_PEM"),
        ({"key": pem_of(ec.generate_private_key(ec.SECP256R1()))}, "privateKey", "KEY_KIND"),
    ],
)
def test_what_google_would_not_take_is_refused(changes: dict[str, str], field: str, reason: str) -> None:
    given = {"issuer": "338", "account": "cards@shop.example", "key": "none"}

    with pytest.raises(PassIssuerInvalid) as refusal:
        read_google_signer(**(given | changes))

    assert (refusal.value.field, refusal.value.reason) == (field, reason)


def test_the_mark_is_a_picture() -> None:
    picture = mark(29)

    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture[16:24] == (29).to_bytes(4, "big") * 2


@pytest.mark.parametrize(
    ("points", "scale", "text"), [(0, 0, "0"), (1_234_567, 0, "1,234,567"), (1205, 2, "12.05"), (-5, 2, "-0.05")]
)
def test_points_are_written_as_people_read_them(points: int, scale: int, text: str) -> None:
    assert shown_points(points, scale=scale) == text


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# --- CMS (RFC 5652), read here by hand, so that what signs does not check itself --------------------------------------


def check_signature(signature: bytes, content: bytes, *, root: Issued) -> None:
    """A detached signature over the content, by a certificate whose chain leads up to the root.

    Raises:
        AssertionError, InvalidSignature
    """
    # The certificates are a SET, whose order DER decides.
    certificates = pkcs7.load_der_pkcs7_certificates(signature)
    leaf, intermediate = sorted(certificates, key=lambda one: "Intermediate" in one.subject.rfc4514_string())
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(root.certificate)
    content_info = children(signature)[0][1]
    signed_data = children(children(content_info)[1][1])[0][1]
    parts = children(signed_data)
    assert len(children(parts[2][1])) == 1, "the content is not in it"
    (signer,) = children(parts[-1][1])
    fields = children(signer[1])
    attributes = next(value for tag, value in fields if tag == SIGNED_ATTRIBUTES)
    digests = [
        children(children(value)[1][1])[0][1]
        for _, value in children(attributes)
        if oid(children(value)[0][1]) == MESSAGE_DIGEST
    ]
    assert digests == [hashlib.sha256(content).digest()], "the digest is that of the content"
    # What is signed are the attributes as a SET (RFC 5652, 5.4), not under the tag by which they are carried.
    told = bytes([0x31]) + length(len(attributes)) + attributes
    verify(leaf, fields[-1][1], told)


def verify(leaf: x509.Certificate, signature: bytes, told: bytes) -> None:
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, told, padding.PKCS1v15(), SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(signature, told, ec.ECDSA(SHA256()))


def children(content: bytes) -> list[tuple[int, bytes]]:
    """The elements of DER (X.690), one after the other: tag and content."""
    found, place = [], 0
    while place < len(content):
        tag, size, place = content[place], content[place + 1], place + 2
        if size & 0x80:
            width = size & 0x7F
            size, place = int.from_bytes(content[place : place + width], "big"), place + width
        found.append((tag, content[place : place + size]))
        place += size
    return found


def length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    written = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(written)]) + written


def oid(content: bytes) -> str:
    numbers, value = [content[0] // 40, content[0] % 40], 0
    for byte in content[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    return ".".join(map(str, numbers))
