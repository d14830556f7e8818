"""Identities become keys or marks before anything readable is written."""

import hmac

import pytest

from extract.privacy import Identity, redact, reporter_key, shape

SECRET = b"0" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NIK saya 2171031204900000 pak", "NIK saya [NIK] pak"),
        ("NIK 2171 0312 0490 0000", "NIK [NIK]"),
        ("hubungi 0812-3456-7890 segera", "hubungi [TELEPON] segera"),
        ("WA +62 812 3456 7890.", "WA [TELEPON]."),
        ("surel: a.b-c@contoh.example.id!", "surel: [EMAIL]!"),
        ("NPWP 09.254.294.3-407.000 saya", "NPWP [NPWP] saya"),
        ("rekening 1234567890123 atas nama", "rekening [REKENING] atas nama"),
        ("mobil BP 1234 XY menabrak", "mobil [PELAT] menabrak"),
        ("lihat laporan #9165816 dan 8112829", "lihat laporan [NOMOR LAPORAN] dan [NOMOR LAPORAN]"),
        ("tiket P-1400/032021/0017", "tiket [NOMOR LAPORAN]"),
        ("jalan rusak sejak 2019, RT 03 RW 12", "jalan rusak sejak 2019, RT 03 RW 12"),
        ("", ""),
    ],
)
def test_personal_numbers_become_marks_and_the_rest_stays(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_a_reporter_who_signs_is_not_named_in_any_case_or_part() -> None:
    text = redact("Mohon dibantu. Hormat saya, VELINDRO Tasmuk (velindro)", Identity(name="Velindro Tasmuk").words())
    assert text == "Mohon dibantu. Hormat saya, [IDENTITAS] ([IDENTITAS])"


@pytest.mark.parametrize("secret", [SECRET, b"short", b"longer than a block of SHA-256" * 3])
def test_a_key_is_the_hmac_of_what_identifies(secret: bytes) -> None:
    expected = hmac.new(secret, b"nik:2171031204900000", "sha256").hexdigest()[:32]
    assert reporter_key(Identity(national_id="2171 0312 0490 0000"), secret) == expected


def test_a_name_inside_another_word_is_left_alone() -> None:
    assert redact("kebersihan pasar", Identity(name="Bersih Anom").words()) == "kebersihan pasar"


def test_the_same_person_has_one_key_however_the_number_is_written() -> None:
    keys = {
        reporter_key(Identity(phone=phone), SECRET)
        for phone in ("0812-3456-7890", "+62 812 3456 7890", "6281234567890")
    }
    assert len(keys) == 1
    assert keys != {None}


def test_the_key_says_nothing_and_depends_on_the_secret() -> None:
    identity = Identity(name="Velindro Tasmuk", national_id="2171031204900000")
    key = reporter_key(identity, SECRET)
    assert key is not None
    assert len(key) == 32
    assert "2171" not in key
    assert key != reporter_key(identity, b"1" * 32)


def test_who_gives_nothing_has_no_key() -> None:
    assert reporter_key(Identity(), SECRET) is None
    assert reporter_key(Identity(national_id="-"), SECRET) is None


def test_a_shape_describes_without_telling() -> None:
    assert shape("Budi 0812") == "aaaa 9999"


def test_an_address_is_redacted_whole_and_its_common_words_stay() -> None:
    own = Identity(address="Jalan Melati 5").words()
    assert redact("saya di Jalan Melati 5, jalan rusak", own) == "saya di [IDENTITAS], jalan rusak"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Terima kasih. Hormat saya, Qavkwihlux Zybkwiqwim", "Terima kasih. Hormat saya, [IDENTITAS]"),
        ("nama saya Velindro Tasmuk dan jalan rusak", "nama saya [IDENTITAS] dan jalan rusak"),
        ("Salam hormat: Velindro", "Salam hormat: [IDENTITAS]"),
        ("atas nama warga kampung", "atas nama warga kampung"),
    ],
)
def test_a_signature_is_masked_though_no_field_names_the_reporter(text: str, expected: str) -> None:
    assert redact(text) == expected
