"""Static files in a bucket: `collectstatic` copies there what it has collected."""

import mimetypes

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

FOR_GOOD = "public, max-age=31536000, immutable"  # a file that changes gets another name


class BucketStorage(ManifestStaticFilesStorage):
    """Collects here, and copies the files with a hash in their names to the bucket STATIC_BUCKET.

    The function needs the list of names, staticfiles.json, and never asks S3.
    """

    def post_process(self, paths, dry_run=False, **options):
        """Django's own part, and then the copy."""
        yield from super().post_process(paths, dry_run=dry_run, **options)
        if not dry_run:
            self._copy()

    def _copy(self):
        import boto3  # here and not on Lambda, where it would take part of each cold start

        bucket = boto3.resource("s3").Bucket(settings.STATIC_BUCKET)
        for name in sorted(set(self.hashed_files.values())):
            kind, _ = mimetypes.guess_type(name)
            facts = {"ContentType": kind or "application/octet-stream", "CacheControl": FOR_GOOD}
            bucket.upload_file(self.path(name), f"static/{name}", ExtraArgs=facts)
