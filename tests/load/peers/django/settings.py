"""django-tenants with strawberry-django as their guides set them up; nothing that only slows it is on."""

import os

SECRET_KEY = "of a bench that listens on loopback for a minute"
ALLOWED_HOSTS = ["*"]
DEBUG = False
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "HOST": os.environ["PEERS_HOST"],
        "NAME": os.environ["PEERS_DATABASE"],
        "USER": os.environ["PEERS_USER"],
        "CONN_MAX_AGE": None,
    }
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
SHARED_APPS = ["django_tenants", "django.contrib.contenttypes", "registry"]
TENANT_APPS = ["loyalty"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "registry.Tenant"
TENANT_DOMAIN_MODEL = "registry.Domain"
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
