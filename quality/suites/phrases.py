"""What several rules say in the same words."""

CONTRACT = "the canonical contract: warehouse/sql/040_raw.sql"
FIX_AT_SOURCE = (
    "The agency corrects the record in its system; the corrected version comes with a later night and clears this one."
)
READ_PROBLEMS = (
    "Read _problems of the row in raw; correct the format in the agency's profile, or the record at the agency."
)
ADD_WORD = (
    "Add the source's word to the agency's profile in extract/profiles if it means a known code, "
    "then extract and gate the night again."
)
LOADER_FAULT = "The loader keeps one row per key, so this is our fault: extract the agency's night again."
NOTHING_DOUBLE = "architecture, guarantee 4: nothing is double"
