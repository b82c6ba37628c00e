package authority

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"deed/store"
)

// Client is an OAuth2 client.
type Client = store.Client

// ClientScope is what an OAuth2 client may ask for.
const ClientScope = "sec.cps.certificates"

// TokenLife is how long an access token may be used, and tokenGrace how much
// longer it is taken: clients use a token to its last second.
const (
	TokenLife  = 300 * time.Second
	tokenGrace = 30 * time.Second
)

// maxToken bounds a presented access token.
const maxToken = 2048

// CreateClient makes an OAuth2 client of an account; the secret is shown this once.
func (a *Authority) CreateClient(ctx context.Context, account int64) (id, text string, err error) {
	if id, err = a.secret(); err != nil {
		return "", "", err
	}
	if text, err = a.secret(); err != nil {
		return "", "", err
	}
	id = "client-" + strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(id))[:24]
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		if _, err := t.Account(account); err != nil {
			return found(err, "account")
		}
		if err := t.InsertClient(Client{ID: id, AccountID: account, Hash: hash(text), Scope: ClientScope, Created: now}); err != nil {
			return err
		}
		return a.event(t, Actor{Account: account, Name: "operator"}, now, "client.created", 0, 0)
	})
	return id, text, err
}

// Clients lists OAuth2 clients; account 0 stands for all accounts.
func (a *Authority) Clients(ctx context.Context, account int64) (list []Client, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		list, err = r.Clients(account)
		return err
	})
	return list, err
}

// RevokeClient ends a client and the tokens it holds, at once.
func (a *Authority) RevokeClient(ctx context.Context, id string) error {
	now := a.now()
	err := a.o.Store.Write(ctx, func(t store.Tx) error { return t.RevokeClient(id, now) })
	if errors.Is(err, store.ErrConflict) {
		return refusal(Conflict, "revoked", "", "The client is revoked already.")
	}
	return found(err, "client")
}

// AccessToken is a grant of the client credentials flow (RFC 6749 section 4.4).
type AccessToken struct {
	Text  string
	Life  time.Duration
	Scope string // as granted: of the scopes asked for, those that the client has
}

// claims are what an access token says. The account is not among them: it is
// looked up, so that a revoked client stops at once.
type claims struct {
	Client  string `json:"sub"`
	Scope   string `json:"scope"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}

// ClientActor finds the actor of a client's credentials.
func (a *Authority) ClientActor(ctx context.Context, id, secret string) (Actor, Client, error) {
	denied := refusal(Denied, "invalid_client", "", "The client is unknown or revoked, or its secret is wrong.")
	if id == "" || len(id) > 128 || len(secret) > 128 {
		return Actor{}, Client{}, denied
	}
	c, err := a.client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return Actor{}, c, denied
	}
	if err != nil {
		return Actor{}, c, err
	}
	if subtle.ConstantTimeCompare(hash(secret), c.Hash) != 1 || !c.Revoked.IsZero() {
		return Actor{}, c, denied
	}
	return actorOf(&c), c, nil
}

func (a *Authority) client(ctx context.Context, id string) (c Client, err error) {
	err = a.read(ctx, func(r store.Reader) (err error) {
		c, err = r.ClientByID(id)
		return err
	})
	return c, err
}

// actorOf gives a client's actor. Its number for limits is negative, so that it
// is no API key's.
func actorOf(c *Client) Actor {
	sum := sha256.Sum256([]byte(c.ID))
	number := -1 - int64(binary.BigEndian.Uint64(sum[:8])>>1)
	return Actor{Account: c.AccountID, Name: "client:" + c.ID, Role: store.RoleDomains, KeyID: number}
}

// GrantToken signs an access token for a client that ClientActor let in.
func (a *Authority) GrantToken(ctx context.Context, c *Client, scopes []string) (AccessToken, error) {
	var granted []string
	for _, s := range strings.Fields(c.Scope) {
		if slices.Contains(scopes, s) {
			granted = append(granted, s)
		}
	}
	if len(granted) == 0 {
		return AccessToken{}, refusal(Invalid, "invalid_scope", "scope", "Ask for the scope %s.", ClientScope)
	}
	key, err := a.tokenKey(ctx)
	if err != nil {
		return AccessToken{}, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		return AccessToken{}, err
	}
	now := a.now()
	out := AccessToken{Life: TokenLife, Scope: strings.Join(granted, " ")}
	body, err := json.Marshal(claims{c.ID, out.Scope, now.Unix(), now.Add(TokenLife).Unix()})
	if err != nil {
		return out, err
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return out, err
	}
	out.Text, err = signed.CompactSerialize()
	return out, err
}

// AuthenticateToken finds the actor of an access token. A token of ours
// without the scope is Forbidden; everything else that is wrong is Denied.
func (a *Authority) AuthenticateToken(ctx context.Context, presented, scope string) (Actor, error) {
	denied := refusal(Denied, "invalid_token", "", "The access token is missing, invalid, expired or revoked.")
	if presented == "" || len(presented) > maxToken {
		return Actor{}, denied
	}
	signed, err := jose.ParseSignedCompact(presented, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return Actor{}, denied
	}
	key, err := a.tokenKey(ctx)
	if err != nil {
		return Actor{}, err
	}
	body, err := signed.Verify(key)
	if err != nil {
		return Actor{}, denied
	}
	var said claims
	if json.Unmarshal(body, &said) != nil || !a.now().Before(time.Unix(said.Expires, 0).Add(tokenGrace)) {
		return Actor{}, denied
	}
	c, err := a.client(ctx, said.Client)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && !c.Revoked.IsZero():
		return Actor{}, denied
	case err != nil:
		return Actor{}, err
	case !slices.Contains(strings.Fields(said.Scope), scope):
		return Actor{}, refusal(Forbidden, "scope", "scope", "The access token lacks the scope %s.", scope)
	}
	return actorOf(&c), nil
}

// tokenKeyName is the secret that signs access tokens.
const tokenKeyName = "access tokens"

// tokenKey is the key that signs access tokens, 256 random bits. The first need
// of it makes it; the store decides whose it is when two servers start at once.
func (a *Authority) tokenKey(ctx context.Context) ([]byte, error) {
	if key := a.signing.Load(); key != nil {
		return *key, nil
	}
	var key []byte
	load := func(r store.Reader) (err error) {
		key, err = r.Secret(tokenKeyName)
		return err
	}
	err := a.read(ctx, load)
	if errors.Is(err, store.ErrNotFound) {
		fresh := make([]byte, 32)
		if _, err := io.ReadFull(a.o.Random, fresh); err != nil {
			return nil, err
		}
		err = a.write(ctx, func(t store.Tx) error {
			err := load(t)
			if errors.Is(err, store.ErrNotFound) {
				key = fresh
				return t.InsertSecret(tokenKeyName, fresh, a.now())
			}
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	a.signing.Store(&key)
	return key, nil
}
