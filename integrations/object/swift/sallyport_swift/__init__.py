"""Swift's object encryption with keys that stay with Sallyport's agent: a paste filter for Swift's proxy pipeline."""

from sallyport_swift.filter import filter_factory

__all__ = ["filter_factory"]
