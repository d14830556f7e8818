"""Titles and texts of about 300 characters, some with what must never leave: a signature, numbers, other reports.

Each text is a pure function of the complaint's text seed, so it is written when it is asked for and never stored.
"""

from dataclasses import dataclass

from simulator.identities import Identity

OPENINGS = (
    "Selamat pagi Bapak/Ibu, izinkan saya menyampaikan keluhan warga di lingkungan kami.",
    "Dengan hormat, bersama ini saya ingin melaporkan hal berikut kepada instansi terkait.",
    "Mohon perhatian atas keadaan yang sudah lama kami alami dan belum ada penyelesaian.",
    "Saya sudah beberapa kali datang ke kantor pelayanan – namun belum mendapat jawaban yang jelas.",
)
PROBLEMS = (
    (
        "Jalan rusak belum diperbaiki",
        "Jalan di depan permukiman kami berlubang dan membahayakan pengendara, terutama saat hujan.",
    ),
    (
        "Bantuan sosial belum diterima",
        "Nama keluarga kami terdaftar sebagai penerima bantuan, tetapi sampai bulan ini belum pernah menerima.",
    ),
    (
        "Pengurusan KTP terlalu lama",
        "Kartu tanda penduduk yang kami ajukan sejak lama belum selesai dan petugas meminta kami kembali lagi.",
    ),
    ("Sampah menumpuk", "Sampah di tempat penampungan sementara tidak diangkut dan baunya mengganggu warga sekitar."),
    (
        "Air bersih tidak mengalir",
        "Air dari perusahaan daerah sering mati pada pagi dan malam hari tanpa pemberitahuan.",
    ),
    (
        "Pungutan di sekolah",
        "Orang tua siswa diminta membayar iuran yang menurut pengumuman seharusnya tidak dipungut.",
    ),
    ("Lampu jalan padam", "Lampu penerangan jalan umum padam sehingga warga takut melintas pada malam hari."),
    ("Upah belum dibayar", "Perusahaan tempat saya bekerja menunda pembayaran upah lebih dari dua bulan tanpa alasan."),
    ("Parkir liar", "Kendaraan diparkir di badan jalan sehingga lalu lintas macet setiap sore."),
    ("Antrean puskesmas", "Antrean pasien sangat panjang sedangkan loket yang dibuka hanya satu."),
)
REQUESTS = (
    "Kami mohon agar petugas meninjau lokasi dan memberikan penjelasan kepada warga.",
    "Mohon ditindaklanjuti secepatnya karena keadaan ini merugikan banyak orang.",
    "Kami berharap ada kepastian waktu penyelesaian dari dinas yang berwenang.",
)
CLOSINGS = (
    "Terima kasih atas perhatiannya.",
    "Demikian laporan ini kami sampaikan, terima kasih.",
    "Atas bantuannya kami ucapkan terima kasih.",
)
SHORT_TEXTS = ("test", "-", "tes saja", "tolong", "p")
FOREIGN_TEXTS = (
    (
        "Broken street lights",
        "The street lights along our road have been dark for three weeks. It is not safe to walk home at night and "
        "nobody answers the phone. Please send somebody to repair them as soon as possible.",
    ),
    (
        "No water in the morning",
        "There is no running water between five and nine in the morning. We were told it would be fixed last month, "
        "but nothing has changed since then. When can we expect a solution?",
    ),
    (
        "Visa extension delayed",
        "I applied for an extension of my residence permit and paid the fee, yet the office keeps asking me to come "
        "back next week. Could you tell me what is missing and who is handling my request?",
    ),
    (
        "Lorem ipsum",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et "
        "dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi.",
    ),
)
PLATE_LETTERS = "BCDEFGHKLMNPRST"


@dataclass(frozen=True, slots=True)
class TextRates:
    """Share of texts that carry each kind of personal data (drawn apart)."""

    signature: float = 0.12
    nik: float = 0.02
    phone: float = 0.06
    email: float = 0.03
    plate: float = 0.03
    account: float = 0.02
    quoted_report: float = 0.02


def write_text(seed: int, reporter: Identity, quoted_number: int, rates: TextRates) -> tuple[str, str]:
    """Title and text of the complaint with this seed, as its reporter would write it."""
    title, problem = PROBLEMS[_dice(seed, 1) % len(PROBLEMS)]
    parts = [
        OPENINGS[_dice(seed, 2) % len(OPENINGS)],
        problem,
        f"Kejadian ini sudah berlangsung {2 + _dice(seed, 3) % 40} hari di RT {1 + _dice(seed, 4) % 12}.",
        REQUESTS[_dice(seed, 5) % len(REQUESTS)],
    ]
    if _happens(seed, 6, rates.plate):
        first, second, third = (PLATE_LETTERS[_dice(seed, salt) % len(PLATE_LETTERS)] for salt in (20, 21, 22))
        parts.append(f"Nomor kendaraan {first} {1000 + _dice(seed, 23) % 9000} {second}{third}.")
    if _happens(seed, 7, rates.account):
        parts.append(f"Uang saya transfer ke rekening {10**9 + _dice(seed, 24) * 2 % (9 * 10**9)}.")
    if _happens(seed, 8, rates.nik):
        parts.append(f"NIK saya {reporter.nik}.")
    if _happens(seed, 9, rates.phone):
        parts.append(f"Dapat dihubungi di {reporter.phone}.")
    if _happens(seed, 10, rates.email):
        parts.append(f"Balasan ke {reporter.email} saja.")
    if _happens(seed, 11, rates.quoted_report):
        title = f"{title} (Laporan No. {quoted_number})"
        parts.append(f"Sebelumnya sudah saya laporkan dengan nomor #{quoted_number}.")
    parts.append(CLOSINGS[_dice(seed, 12) % len(CLOSINGS)])
    if _happens(seed, 13, rates.signature):
        parts.append(f"Hormat saya, {reporter.name}")
    return title, " ".join(parts)


def write_short_text(seed: int) -> tuple[str, str]:
    """Title and text, the same word or two, of somebody who only tried the form or said nothing."""
    text = SHORT_TEXTS[_dice(seed, 30) % len(SHORT_TEXTS)]
    return text, text


def write_foreign_text(seed: int) -> tuple[str, str]:
    """Title and text of somebody who does not write Indonesian, or pasted what a designer fills pages with."""
    return FOREIGN_TEXTS[_dice(seed, 31) % len(FOREIGN_TEXTS)]


def _dice(seed: int, salt: int) -> int:
    """32 well-mixed bits of a seed; a hundred times cheaper than seeding a generator for each text."""
    mixed = (seed + salt * 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return ((mixed ^ mixed >> 31) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF) >> 32


def _happens(seed: int, salt: int, share: float) -> bool:
    return _dice(seed, salt) < share * 2**32
