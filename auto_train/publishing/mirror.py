"""A copy of all that is published, for readers that never read the lake."""

from auto_train.lake import CURRICULA, LakeError, Settings, open_lake
from auto_train.publishing.manifest import LEADER, is_of_curricula, manifest_path, published_manifest

TRIES = 5


class MirrorError(LakeError):
    """All is published, but the mirror is behind."""


def is_behind(settings: Settings) -> bool:
    """Whether the mirror lacks the last publication, whose manifest is copied last.

    Raises:
        LakeError: the lake or the mirror cannot be looked at.
    """
    if not settings.mirror:
        return False
    manifest = manifest_path(settings)
    return open_lake(settings.lake, settings).tag(manifest) != open_lake(settings.mirror, settings).tag(manifest)


def bring_up_to_date(settings: Settings) -> list[str]:
    """Copy to the mirror what it lacks of the last publication and of the curricula; returns what was copied.

    Raises:
        MirrorError: the mirror could not be brought up to date.
    """
    if not settings.mirror:
        return []
    copied: list[str] = []
    try:
        lake, other = open_lake(settings.lake, settings), open_lake(settings.mirror, settings)
        # a run that publishes meanwhile makes a mixture of what is copied, so it is copied again
        for _ in range(TRIES):
            tag = lake.tag(settings.published(LEADER))
            manifest = published_manifest(lake, settings)
            published = [file.path for file in manifest.files] if manifest else []
            curricula = [path for path in lake.paths(CURRICULA) if is_of_curricula(path)]
            for path in [*curricula, *published, manifest_path(settings)]:
                if lake.tag(path) != other.tag(path):
                    lake.copy(path, other, path)
                    copied.append(path)
            if lake.tag(settings.published(LEADER)) == tag:
                return copied
        raise LakeError("other runs kept publishing meanwhile")
    except (LakeError, OSError) as error:
        raise MirrorError(
            f"df_manager is published at {settings.lake}, but its mirror {settings.mirror} is behind: {error}. "
            "The next run brings it up to date; so does: auto-train mirror"
        ) from None
