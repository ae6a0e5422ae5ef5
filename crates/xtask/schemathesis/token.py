"""Prints a token of an hour that may do everything, signed (HS256) with the first argument, once the service at the
second has believed it: with a token that is refused every answer would be 401, and as good as any other."""

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.request


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


claims = {
    "iss": "summary-bot",
    "aud": "summary-bot",
    "sub": "fuzz",
    "scope": "*",
    "iat": int(time.time()),
    "exp": int(time.time()) + 3600,
}
signed = ".".join(part(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
seal = hmac.new(sys.argv[1].encode(), signed.encode(), hashlib.sha256).digest()
token = f"{signed}.{part(seal)}"
who = urllib.request.Request(f"{sys.argv[2]}/api/v1/me", headers={"authorization": f"Bearer {token}"})
urllib.request.urlopen(who, timeout=30).read()
print(token)
