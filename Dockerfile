# One image for every role: what a container does is its command, for example `node start` or `verifier start …`.
#
#   make image                  fetches everything the build needs into .cache/image, then builds: needs no network then
#   docker build -t headwater . fetches while it builds
#
# Both the classic builder and BuildKit can build it.

FROM debian:bookworm-slim AS python
LABEL headwater=stage
# The pattern is there because COPY fails on a file that is missing, and not on a pattern without a match.
COPY Makefile .cache/image* /prepared/
RUN set -eu; \
    if [ -d /prepared/packages ]; then apt-get install -qy --no-install-recommends /prepared/packages/*.deb; \
    else apt-get update -q && apt-get install -qy --no-install-recommends python3; fi; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/* /prepared

FROM python AS build
# What others wrote comes before our own, which changes more often.
COPY requirements-image.lock .cache/image* /prepared/
RUN set -eu; \
    python3 -m venv --without-pip /opt/headwater; \
    if [ -d /prepared/wheels ]; then \
        pip="python3 $(echo /prepared/wheels/pip-*.whl)/pip"; from="--no-index --find-links /prepared/wheels"; \
    else \
        apt-get update -q && apt-get install -qy --no-install-recommends python3-pip ca-certificates; \
        pip="python3 -m pip"; from=""; \
    fi; \
    options="--python /opt/headwater/bin/python --disable-pip-version-check"; \
    echo "exec $pip $options install --quiet --no-cache-dir --no-compile $from \"\$@\"" >/install; \
    sh /install --require-hashes --requirement /prepared/requirements-image.lock; \
    /opt/headwater/bin/python -m compileall -q /opt/headwater
COPY . /source
WORKDIR /source
RUN set -eu; \
    sh /install --no-deps /source; \
    mkdir -p .cache/bin .cache/clips; \
    if [ -d /prepared/bin ]; then cp /prepared/bin/cometbft .cache/bin/; cp /prepared/clips/* .cache/clips/; \
    else /opt/headwater/bin/python -m chain.cometbft.install; /opt/headwater/bin/python -m transcoder.media.clip; fi; \
    /opt/headwater/bin/python -m compileall -q /opt/headwater

FROM python AS root
# The content folder is there so that a fresh volume for it belongs to the right user.
RUN useradd --uid 10001 --create-home --home-dir /var/lib/headwater headwater \
    && install --directory --owner headwater --group headwater /var/lib/headwater/content
COPY --from=build /opt/headwater /opt/headwater
COPY --from=build /source/.cache/bin/cometbft /usr/local/bin/cometbft
COPY --from=build /source/.cache/clips/ /usr/share/headwater/

# One layer without what was there only to build it.
FROM scratch
COPY --from=root / /
LABEL headwater=stage
ENV PATH=/opt/headwater/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    HEADWATER_HOME=/var/lib/headwater \
    HEADWATER_HEALTH=http://127.0.0.1:26657
USER headwater
WORKDIR /var/lib/headwater
# Keys, chain, journals and content: all that must outlive the container.
VOLUME /var/lib/headwater
EXPOSE 26656 26657 8935 8936
# Alive is not enough: a node's height must grow. HEADWATER_HEALTH names the /healthz of another role.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-m", "chain.node.healthcheck"]
ENTRYPOINT ["headwater"]
CMD ["node", "start"]
