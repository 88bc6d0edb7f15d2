# The images: services (the seven services), speech (the same with speech recognition), controller.
# `make images` builds them; docs/operations/images.md tells of sizes, bases and what is in them.
#
# BASE brings Python 3.11 or later; BUILDER is BASE with pip, where BASE has none. The secret `ca`, where it is given, is the bundle of
# certificate authorities that downloads are checked with; it does not become part of an image.
ARG BASE=python:3.12-slim
ARG BUILDER=${BASE}

FROM ${BUILDER} AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_BREAK_SYSTEM_PACKAGES=1
WORKDIR /build
COPY requirements/build.txt requirements/
RUN --mount=type=secret,id=ca,target=/run/ca.crt \
    if [ -s /run/ca.crt ]; then export PIP_CERT=/run/ca.crt; fi; \
    python3 -m pip install --quiet --require-hashes -r requirements/build.txt

# Wheels of one set of requirements each, so that a change of the code fetches nothing again. What is no wheel yet is built
# with the setuptools of build.txt and nothing else.
FROM builder AS services-wheels
COPY requirements/services.txt requirements/
RUN --mount=type=secret,id=ca,target=/run/ca.crt \
    if [ -s /run/ca.crt ]; then export PIP_CERT=/run/ca.crt; fi; \
    python3 -m pip wheel --quiet --require-hashes --no-build-isolation -r requirements/services.txt -w /wheels

FROM builder AS speech-wheels
COPY requirements/speech.txt requirements/
RUN --mount=type=secret,id=ca,target=/run/ca.crt \
    if [ -s /run/ca.crt ]; then export PIP_CERT=/run/ca.crt; fi; \
    python3 -m pip wheel --quiet --require-hashes --no-build-isolation -r requirements/speech.txt -w /wheels

FROM builder AS controller-wheels
COPY requirements/controller.txt requirements/
RUN --mount=type=secret,id=ca,target=/run/ca.crt \
    if [ -s /run/ca.crt ]; then export PIP_CERT=/run/ca.crt; fi; \
    python3 -m pip wheel --quiet --require-hashes --no-build-isolation -r requirements/controller.txt -w /wheels

FROM builder AS project
COPY pyproject.toml README.md LICENSE ./
COPY sql sql
COPY controller controller
COPY services services
RUN python3 -m pip wheel --quiet --no-deps --no-build-isolation . -w /wheels

# Each environment in two layers: the libraries, which change seldom, and the project.
FROM builder AS services-environment
COPY --from=services-wheels /wheels /wheels
RUN python3 -m venv --without-pip /opt/chatsystem \
 && python3 -m pip --python /opt/chatsystem/bin/python install --quiet --no-index --no-deps /wheels/*.whl
COPY --from=project /wheels /project
RUN python3 -m pip --python /opt/chatsystem/bin/python install --quiet --no-index --no-deps --prefix /opt/project /project/*.whl

FROM services-environment AS speech-environment
COPY --from=speech-wheels /wheels /more-wheels
# What recognition needs beyond the services, and nothing twice.
RUN for wheel in /more-wheels/*.whl; do [ -e "/wheels/${wheel##*/}" ] || echo "$wheel"; done \
  | xargs python3 -m pip --python /opt/chatsystem/bin/python install --quiet --no-index --no-deps --prefix /opt/speech

FROM builder AS controller-environment
COPY --from=controller-wheels /wheels /wheels
RUN python3 -m venv --without-pip /opt/chatsystem \
 && python3 -m pip --python /opt/chatsystem/bin/python install --quiet --no-index --no-deps /wheels/*.whl
COPY --from=project /wheels /project
RUN python3 -m pip --python /opt/chatsystem/bin/python install --quiet --no-index --no-deps --prefix /opt/project /project/*.whl

# Nothing in it can install, and nothing in it is the user's own to change.
FROM ${BASE} AS runtime
RUN python3 -m pip uninstall --quiet --yes pip setuptools wheel 2>/dev/null || true; \
    rm -rf "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')/ensurepip" \
 && echo 'chatsystem:x:10001:' >>/etc/group \
 && echo 'chatsystem:x:10001:10001::/tmp:/usr/sbin/nologin' >>/etc/passwd
ENV PATH=/opt/chatsystem/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="chatsystem" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
WORKDIR /tmp

FROM runtime AS controller
LABEL org.opencontainers.image.title="chatsystem controller" \
      org.opencontainers.image.description="Keeps chat systems as they are declared."
COPY --from=controller-environment /opt/chatsystem /opt/chatsystem
COPY --from=controller-environment /opt/project /opt/chatsystem
ENTRYPOINT ["chatsystem"]
CMD ["version"]

FROM runtime AS services
LABEL org.opencontainers.image.title="chatsystem services" \
      org.opencontainers.image.description="The seven services of a chat system."
COPY --from=services-environment /opt/chatsystem /opt/chatsystem
COPY --from=services-environment /opt/project /opt/chatsystem
ENV CHATSYSTEM_METRICS_PORT=9100
EXPOSE 9000 9001 9100
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python3", "-I", "-m", "services.runtime.probe"]
ENTRYPOINT ["chatsystem-services"]
CMD ["all"]

FROM services AS speech
LABEL org.opencontainers.image.title="chatsystem services with speech"
COPY --from=speech-environment /opt/speech /opt/chatsystem
