// Makes the calls with the client of openapi-generator for Go.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	kommando "example.com/kommando/client"
)

type call struct {
	Call string
	As   string
	With given
}

type given struct {
	ID             any `json:"id"`
	CommandName    string
	ActionResult   string
	Inputs         kommando.EveryTypeInputs
	IdempotencyKey string
	DryRun         bool
	Select         string
	Limit          int32
	UserName       string
}

type answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body"`
}

func main() {
	text, err := os.ReadFile(os.Getenv("CALLS"))
	must(err)
	var calls []call
	must(json.Unmarshal(text, &calls))
	ticket, newest := "", ""
	for _, call := range calls {
		client, who := clientOf(call.As, ticket)
		switch call.Call {
		case "list":
			tell(client.UserAPI.GetUserCommands(who, number(call.With.ID)).Execute())
		case "execute":
			tell(execute(client, who, call.With))
		case "everyType":
			request := client.CommandsAPI.EveryType(who, number(call.With.ID)).EveryTypeInputs(call.With.Inputs)
			tell(request.ActionResult(call.With.ActionResult).Execute())
		case "user":
			tell(client.UserAPI.GetUser(who, number(call.With.ID)).Select_(call.With.Select).Execute())
		case "logIn":
			logIn := kommando.NewLogIn(call.With.UserName, os.Getenv("PASSWORD"))
			session, response, err := client.SessionAPI.BeginSession(who).LogIn(*logIn).Execute()
			must(err)
			ticket = session.Ticket
			tell(session, response, err)
		case "executions":
			page, response, err := client.OperatorAPI.ListExecutions(who).Limit(call.With.Limit).Execute()
			must(err)
			newest = page.Executions[0].Id
			tell(page, response, err)
		case "execution":
			id, isGiven := call.With.ID.(string)
			if !isGiven {
				id = newest
			}
			tell(client.OperatorAPI.GetExecution(who, id).Execute())
		default:
			panic("there is no call " + call.Call)
		}
	}
}

func clientOf(who, ticket string) (*kommando.APIClient, context.Context) {
	configuration := kommando.NewConfiguration()
	configuration.Servers = kommando.ServerConfigurations{{URL: os.Getenv("ADDRESS")}}
	caller := context.Background()
	switch who {
	case "anonymous":
	case "ticket":
		keys := map[string]kommando.APIKey{"SoTicket": {Key: ticket, Prefix: "SoTicket"}}
		caller = context.WithValue(caller, kommando.ContextAPIKeys, keys)
	case "wrong":
		caller = named(caller, "admin", "wrong")
	default:
		caller = named(caller, who, os.Getenv("PASSWORD"))
	}
	return kommando.NewAPIClient(configuration), caller
}

func named(caller context.Context, name, password string) context.Context {
	return context.WithValue(caller, kommando.ContextBasicAuth, kommando.BasicAuth{UserName: name, Password: password})
}

func execute(client *kommando.APIClient, who context.Context, with given) (*kommando.CommandResult, *http.Response, error) {
	request := client.UserAPI.ExecuteUserCommand(who, number(with.ID), with.CommandName)
	if with.ActionResult != "" {
		request = request.ActionResult(kommando.CommandActionResult(with.ActionResult))
	}
	if with.IdempotencyKey != "" {
		request = request.IdempotencyKey(with.IdempotencyKey)
	}
	if with.DryRun {
		request = request.DryRun(true)
	}
	return request.Execute()
}

// tell prints a response of any status.
func tell[T any](body T, response *http.Response, err error) {
	shown := any(body)
	if failed, ok := err.(*kommando.GenericOpenAPIError); ok {
		shown = failed.Model()
	} else {
		must(err)
	}
	headers := map[string]string{}
	for name := range response.Header {
		headers[name] = response.Header.Get(name)
	}
	line, err := json.Marshal(answer{response.StatusCode, headers, shown})
	must(err)
	fmt.Println(string(line))
}

func number(id any) int32 {
	return int32(id.(float64))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
