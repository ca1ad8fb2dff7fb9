"""Settings of the site. What differs between stages comes from the environment (microlambda.toml)."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
REGION = os.environ.get("AWS_REGION", "us-east-1")  # Lambda sets it

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = os.environ.get("DEBUG") == "1"

# The APIs of this region, and the machine of the developer. A domain of your own goes here, too.
ALLOWED_HOSTS = [
    f".execute-api.{REGION}.amazonaws.com",
    f".lambda-url.{REGION}.on.aws",
    "localhost",
    "127.0.0.1",
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "guestbook",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# SQLite in /tmp is for the example: each environment of the function has a /tmp of its own.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", "/tmp/guestbook.sqlite3"),  # noqa: S108
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True

# Collected by `python manage.py collectstatic`, shipped by `include`, served by WhiteNoise. Behind a REST API
# the stage stands before every path, and STATIC_URL says so: microlambda.toml.
STATIC_URL = os.environ.get("STATIC_URL", "/static/")
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_STATIC_PREFIX = "/static/"

# In a bucket instead, where STATIC_BUCKET names one: `collectstatic` copies them there.
STATIC_BUCKET = os.environ.get("STATIC_BUCKET")
if STATIC_BUCKET:
    STATIC_URL = os.environ.get("STATIC_URL", f"https://{STATIC_BUCKET}.s3.{REGION}.amazonaws.com/static/")
    STORAGES["staticfiles"] = {"BACKEND": "mysite.static_bucket.BucketStorage"}
    MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")
