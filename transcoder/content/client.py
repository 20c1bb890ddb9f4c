"""Fetch content from whoever has it: the hash decides, so no source needs to be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import aiohttp

from transcoder.content.address import ContentId, content_id_of, format_content_id
from transcoder.content.download import download
from transcoder.content.failures import FetchFailed
from transcoder.net.http import MIB, HttpFailure, HttpPolicy

LARGE_CONTENT = HttpPolicy(attempts=1, timeout_seconds=45.0, stall_seconds=10.0, answer_limit_bytes=64 * MIB)
"""A second try begins at the first byte, so one that moves is let go on. What stalls is left early all the same."""


@dataclass(frozen=True, slots=True)
class ContentClient:
    """Fetches over one session, with the same bounds for every source.

    Attributes:
        policy: bounds of the request to one source; one attempt each, because the next source is the retry.
    """

    session: aiohttp.ClientSession
    policy: HttpPolicy = LARGE_CONTENT

    async def fetch(self, content_id: ContentId, sources: Iterable[str], limit_bytes: int | None = None) -> bytes:
        """The content from the first source that gives the right bytes in time.

        Args:
            sources: base addresses of nodes, as in their registrations (`http://host:port`), in the order to try them.
            limit_bytes: the largest size to accept, where the caller knows it more closely than the policy.

        Raises:
            FetchFailed: none did; its text and its `reports` say what each source answered.
        """
        policy = self.policy if limit_bytes is None else replace(self.policy, answer_limit_bytes=limit_bytes)
        reports: list[tuple[str, str]] = []
        for source in dict.fromkeys(sources):
            content, problem = await self._try(content_id, source, policy)
            if content is not None:
                return content
            reports.append((source, problem))
        raise _failure(content_id, reports)

    async def _try(self, content_id: ContentId, source: str, policy: HttpPolicy) -> tuple[bytes | None, str]:
        url = f"{source.rstrip('/')}/content/{format_content_id(content_id)}"
        try:
            answer = await download(self.session, url, policy)
        except HttpFailure as failure:
            return None, str(failure)
        if answer.status != 200:
            return None, f"HTTP {answer.status} {answer.excerpt()}".strip()
        if content_id_of(answer.body) != content_id:
            return None, f"wrong content: {len(answer.body)} bytes with address {content_id_of(answer.body).hex()}"
        return answer.body, ""


def _failure(content_id: ContentId, reports: list[tuple[str, str]]) -> FetchFailed:
    said = "; ".join(f"{source}: {problem}" for source, problem in reports) or "no source was named"
    return FetchFailed(f"no source gave {format_content_id(content_id)}: {said}", tuple(reports))
