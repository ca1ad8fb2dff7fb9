from django.db import models
from django.utils import timezone


class Entry(models.Model):
    name = models.CharField(max_length=50)
    text = models.CharField(max_length=500)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created", "-id")
        verbose_name_plural = "entries"

    def __str__(self):
        return f"{self.name}: {self.text}"
