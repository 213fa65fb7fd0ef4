# The nightly in a container; docs/operations.md says how to run it. Every Python package is pinned with its hash in
# requirements.txt; Python itself is Debian's, with the security updates of its release.
FROM docker.io/library/debian:bookworm-slim AS system
# versions are those of the release; from fontconfig on, what Graphviz needs to draw pictures
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates make python3 \
        fontconfig fonts-dejavu-core libglib2.0-0 libxext6 libxrender1 \
    && rm -rf /var/lib/apt/lists/*

FROM system AS packages
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/auto_train
COPY Makefile pyproject.toml requirements.txt ./
COPY auto_train auto_train
COPY curricula curricula
COPY scripts scripts
RUN make setup

FROM system
RUN useradd --uid 10001 --create-home auto_train \
    && install -d -o auto_train /srv/auto_train
WORKDIR /srv/auto_train
COPY --from=packages /srv/auto_train/.venv .venv
COPY . .
# what a run writes: the database, logs, and the lake where it is a folder
RUN install -d -o auto_train lake logs target
USER 10001
ENV PATH=/srv/auto_train/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
VOLUME ["/srv/auto_train/lake", "/srv/auto_train/logs", "/srv/auto_train/target"]
HEALTHCHECK --interval=1h --timeout=5m --start-period=2h CMD ["auto-train", "status", "--max-age", "26h"]
CMD ["auto-train", "nightly"]
