"""Video: probing, cutting, transcoding, judging and serving. The only package that imports `av`.

Everything here is synchronous and knows neither network nor chain: bytes and plain dataclasses go in and come out.
"""
