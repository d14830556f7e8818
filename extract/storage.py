"""S3-compatible storage, opened the same way for what agencies hand over and for our own landing."""

from typing import Any
from urllib.parse import parse_qs, urlsplit


def s3_filesystem(url: str, credential: str | None) -> tuple[Any, str]:
    """The filesystem (fsspec) and the root `bucket/prefix` of `s3://bucket/prefix?endpoint=https://host&region=…`.

    `credential` is `key:secret`; without one the machine's own identity counts.
    """
    # Half a second that only sources on S3 should pay.
    import s3fs  # type: ignore[import-untyped]

    parts = urlsplit(url)
    options = parse_qs(parts.query)
    key, _, secret = (credential or "").partition(":")
    filesystem = s3fs.S3FileSystem(
        key=key or None,
        secret=secret or None,
        endpoint_url=options.get("endpoint", [None])[0],
        client_kwargs={"region_name": options["region"][0]} if "region" in options else {},
        config_kwargs={"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 2}},
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    return filesystem, f"{parts.netloc}{parts.path}".rstrip("/")
