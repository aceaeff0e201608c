# The server with its page:
#
#   docker build --tag tillstream .
#   docker run --publish 127.0.0.1:5000:5000 --volume tillstream:/var/lib/tillstream tillstream
#
# Other commands and flags follow the name of the image, such as `tillstream produce --brokers kafka:9092`.

FROM rust:1.95-bookworm AS build
# wasm-opt, which makes the page small, comes from npm.
COPY --from=node:22-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=node:22-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
RUN script/bootstrap server
ENV PATH=/src/e2e/node_modules/.bin:$PATH
RUN trunk build --release --offline
RUN cargo build --release --locked --package tillstream && strip target/release/tillstream

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home tillstream \
    && install --directory --owner tillstream /var/lib/tillstream
COPY --from=build /src/target/release/tillstream /usr/local/bin/tillstream
COPY --from=build /src/dist /usr/share/tillstream/page
ENV TILLSTREAM_DATA_DIR=/var/lib/tillstream \
    TILLSTREAM_LISTEN=0.0.0.0:5000 \
    TILLSTREAM_PAGE=/usr/share/tillstream/page
USER 10001
VOLUME /var/lib/tillstream
EXPOSE 5000
ENTRYPOINT ["tillstream"]
CMD ["up"]
