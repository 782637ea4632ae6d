package model

import (
	"fmt"
	"slices"
)

// Op is a call, by the names of the API. Which members count depends on Name.
type Op struct {
	Name     string
	Pool     string
	Identity string   // the one that the call names; may be empty for the developer's calls
	Logins   []Login  // with real tokens, one of a provider each
	Bad      bool     // the first of Logins comes with a token that proves nothing
	User     string   // the developer's; in calls that take none it stands among the logins
	Into     string   // the developer's user whose identity survives a merge
	Remove   []string // the providers whose logins go
	Hide     bool     // leave disabled identities out of a list
}

// Answer is what a call was told. Code and Message are those of a refusal.
type Answer struct {
	Identity      string
	Code, Message string
	List          []string // sorted
}

// Matches reports whether got is what the model answers. Where docs/cognito.md
// knows no text the model has none, and any will do.
func (a Answer) Matches(got Answer) bool {
	return a.Identity == got.Identity && a.Code == got.Code &&
		(a.Message == got.Message || a.Message == "" && a.Code != "") && slices.Equal(a.List, got.List)
}

func (a Answer) String() string {
	if a.Code != "" {
		return a.Code + ": " + a.Message
	}
	return fmt.Sprint(a.Identity, a.List)
}

// Outcome is what may become of a call: its answer, and the world after it.
type Outcome struct {
	Answer Answer
	World  World
}

// Names of errors, and the texts of docs/cognito.md#messages.
const (
	notAuthorized    = "NotAuthorizedException"
	notFound         = "ResourceNotFoundException"
	conflict         = "ResourceConflictException"
	invalidParameter = "InvalidParameterException"
	registered       = "DeveloperUserAlreadyRegisteredException"

	noGuests      = "Unauthenticated access is not supported for this identity pool."
	mismatch      = "Logins don't match. Please include at least one valid login for this identity or identity pool."
	alreadyLinked = "Logins are already linked to another account."
	classicOff    = "Basic (classic) flow is not enabled, please use enhanced flow."
	malformed     = "Invalid login token. Not a valid OpenId Connect identity token."
)

// Do says what may become of a call, at least one thing. fresh is the id that an
// identity gets which the call makes.
func (w World) Do(op Op, fresh string) []Outcome {
	switch op.Name {
	case "GetId":
		return w.getID(op, fresh)
	case "GetCredentialsForIdentity", "GetOpenIdToken":
		return w.enter(op)
	case "GetOpenIdTokenForDeveloperIdentity":
		return w.developer(op, fresh)
	case "UnlinkIdentity":
		return w.unlink(op)
	case "UnlinkDeveloperIdentity":
		return w.unlinkDeveloper(op)
	case "MergeDeveloperIdentities":
		return w.merge(op)
	case "LookupDeveloperIdentity":
		return w.lookup(op)
	case "DeleteIdentities":
		return w.delete(op)
	case "ListIdentities":
		return w.list(op)
	case "DescribeIdentity":
		return w.describe(op)
	}
	panic("the model knows no operation " + op.Name)
}

func (w World) refuse(code, message string) []Outcome {
	return []Outcome{{Answer: Answer{Code: code, Message: message}, World: w}}
}

func (w World) unknown(id string) []Outcome {
	return w.refuse(notFound, "Identity '"+id+"' not found.")
}

func (w World) forbidden(id string) []Outcome {
	return w.refuse(notAuthorized, "Access to Identity '"+id+"' is forbidden.")
}

func (w World) answer(a Answer) []Outcome { return []Outcome{{Answer: a, World: w}} }

// unproven is what a call is told that takes no developer user, or whose tokens
// are not all good: one bad token fails it. Nil means that all is well.
func (w World) unproven(op Op, developer bool) []Outcome {
	switch {
	case op.User != "" && !developer:
		return w.refuse(notAuthorized, "")
	case op.Bad:
		return w.refuse(notAuthorized, malformed)
	}
	return nil
}
