package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ServerName is a name in the servers' certificates, beside 127.0.0.1 and
// localhost.
const ServerName = "redis.test"

// certificates are the files of an authority, of servers and of clients.
type certificates struct {
	ca, server, serverKey, client, clientKey string
	config                                   *tls.Config // of clients
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	der  []byte
	key  *ecdsa.PrivateKey
}

func makeCertificates(dir string) (*certificates, error) {
	ca, err := issue("authority", nil)
	if err != nil {
		return nil, err
	}
	c := &certificates{}
	if c.ca, _, err = ca.write(dir, "ca"); err != nil {
		return nil, err
	}
	server, err := issue("server", ca)
	if err != nil {
		return nil, err
	}
	if c.server, c.serverKey, err = server.write(dir, "server"); err != nil {
		return nil, err
	}
	client, err := issue("client", ca)
	if err != nil {
		return nil, err
	}
	if c.client, c.clientKey, err = client.write(dir, "client"); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	c.config = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		RootCAs:      roots,
		Certificates: []tls.Certificate{{Certificate: [][]byte{client.der}, PrivateKey: client.key}},
	}
	return c, nil
}

// issue makes a certificate signed by ca, or that of a new authority. A server's
// serves as a client's too: replicas and the nodes of a cluster show it.
func issue(name string, ca *pair) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "redistest " + name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:              []string{"localhost", ServerName},
		BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if ca == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	} else {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &pair{cert: cert, der: der, key: key}, err
}

// write makes two PEM files and returns their names.
func (p *pair) write(dir, name string) (certFile, keyFile string, err error) {
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return "", "", err
	}
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if err := os.WriteFile(
		certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.der}), 0o600,
	); err != nil {
		return "", "", err
	}
	return certFile, keyFile, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600)
}

// configuration is what redis.conf says of TLS.
func (c *certificates) configuration(port int, mutual bool) []string {
	clients := "no"
	if mutual {
		clients = "yes"
	}
	return []string{
		"port 0",
		fmt.Sprintf("tls-port %d", port),
		"tls-replication yes",
		"tls-cluster yes",
		"tls-auth-clients " + clients,
		"tls-ca-cert-file " + strconv.Quote(c.ca),
		"tls-cert-file " + strconv.Quote(c.server),
		"tls-key-file " + strconv.Quote(c.serverKey),
	}
}
