# rosterd in a container: exactly the releases of the lock file, in an environment of its own, run by
# a user who owns nothing but /var/lib/rosterd. Build with `docker build --tag rosterd .`

FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/rosterd
COPY requirements.lock ./
RUN /opt/rosterd/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
# The lock has brought the build backend, so nothing else is fetched.
RUN /opt/rosterd/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/rosterd --create-home rosterd \
    && chmod 0700 /var/lib/rosterd
COPY --from=build /opt/rosterd /opt/rosterd
ENV PATH=/opt/rosterd/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ROSTERD_HOST=0.0.0.0 \
    ROSTERD_DATABASE=sqlite:////var/lib/rosterd/rosterd.db
USER rosterd
WORKDIR /var/lib/rosterd
VOLUME /var/lib/rosterd
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"ROSTERD_PORT\") or 8080}/readyz', timeout=4)"]
ENTRYPOINT ["rosterd"]
CMD ["serve"]
