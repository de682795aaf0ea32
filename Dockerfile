# The image of kommando: `docker build --tag kommando .`; docs/operating.md#container says how to run it.

FROM docker.io/library/rust:1-bookworm AS build
WORKDIR /src
COPY . .
# What `kommando --version` shows: --build-arg GIT_COMMIT="$(git rev-parse --short=10 HEAD)"
ARG GIT_COMMIT
ARG FEATURES
RUN cargo build --profile dist --locked --bin kommando --features "$FEATURES"

FROM docker.io/library/debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 kommando \
    && useradd --uid 10001 --gid kommando --home-dir /data --no-create-home --shell /usr/sbin/nologin kommando \
    && install --directory --owner kommando --group kommando --mode 0700 /data
COPY --from=build /src/target/dist/kommando /usr/local/bin/kommando
COPY --from=build /src/LICENSE-APACHE /src/LICENSE-MIT /src/packaging/THIRD-PARTY-NOTICES.html /usr/share/doc/kommando/
COPY --from=build /src/src/api/pages/docs/LICENSE /src/src/api/pages/docs/NOTICE /src/src/api/pages/docs/swagger-ui-bundle.js.LICENSE.txt /usr/share/doc/kommando/swagger-ui/
# By number, so that Kubernetes sees that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV KOMMANDO_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["kommando", "healthcheck"]
ENTRYPOINT ["kommando"]
CMD ["serve"]
