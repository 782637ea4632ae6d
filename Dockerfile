# A static binary in an empty image, run by a user without rights.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/broker ./cmd/broker
RUN mkdir -p /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/broker /broker
COPY --from=build --chown=65532:65532 /out/data /data
COPY configs /configs
USER 65532:65532
EXPOSE 8080
VOLUME /data
ENTRYPOINT ["/broker"]
CMD ["serve", "-config", "/configs/development.yaml"]
