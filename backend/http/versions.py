"""ETag and If-Match (RFC 9110 §13): a change names the version it was decided on."""

from flask import request

from backend.http.problems import Problem


class VersionRequired(Problem):
    """A change that names no version: without If-Match, or with `*`, which stands for whatever there is."""

    status, code = 428, "version_required"
    zh, en = "请先读取最新内容，再带上它的版本（If-Match）提交。", "Read the thing first and send its ETag as If-Match."


class StaleVersion(Problem):
    """A change decided on a version that is no longer the newest."""

    status, code = 412, "stale_version"
    zh = "内容已更新到第 {version} 版，请刷新后再操作。"
    en = "There is a newer version ({version}); reload and decide again."


def require_match(version: int) -> None:
    """Refuse unless If-Match names this version. Raises VersionRequired or StaleVersion.

    A weak tag (`W/"4"`, what a proxy that compresses makes of ours) names the version as well as a strong one.
    """
    match = request.if_match
    if match.star_tag or not match.as_set(include_weak=True):
        raise VersionRequired
    if not match.contains_weak(str(version)):
        raise StaleVersion(headers={"ETag": f'"{version}"'}, version=version)
