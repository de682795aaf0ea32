// Makes the calls with the client of NSwag.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Kommando.Client;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

/// <summary>Keeps the last response, since the methods return only bodies.</summary>
class Recorder : DelegatingHandler
{
    public HttpResponseMessage Last;

    public Recorder() : base(new HttpClientHandler()) { }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancelled)
    {
        return Last = await base.SendAsync(request, cancelled);
    }
}

static class Calls
{
    static string ticket;
    static Guid newest;

    static string Environment(string name)
    {
        return System.Environment.GetEnvironmentVariable(name);
    }

    static void Main()
    {
        Run().GetAwaiter().GetResult();
    }

    static async Task Run()
    {
        foreach (var call in JArray.Parse(File.ReadAllText(Environment("CALLS"))))
        {
            var recorder = new Recorder();
            var http = new HttpClient(recorder) { BaseAddress = new Uri(Environment("ADDRESS")) };
            http.DefaultRequestHeaders.Authorization = Authorization((string)call["as"]);
            object body;
            try
            {
                body = await Make(new KommandoClient(http), (string)call["call"], (JObject)call["with"]);
            }
            catch (ApiException<ErrorInfo> error)
            {
                body = error.Result;
            }
            catch (ApiException<Problem> error)
            {
                body = error.Result;
            }
            var headers = recorder.Last.Headers.ToDictionary(header => header.Key, header => header.Value.First());
            var line = new { status = (int)recorder.Last.StatusCode, headers, body };
            Console.WriteLine(JsonConvert.SerializeObject(line));
        }
    }

    static AuthenticationHeaderValue Authorization(string who)
    {
        switch (who)
        {
            case "anonymous": return null;
            case "ticket": return new AuthenticationHeaderValue("SoTicket", ticket);
            case "wrong": return Basic("admin", "wrong");
            default: return Basic(who, Environment("PASSWORD"));
        }
    }

    static AuthenticationHeaderValue Basic(string name, string password)
    {
        return new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(name + ":" + password)));
    }

    static async Task<object> Make(KommandoClient client, string call, JObject given)
    {
        switch (call)
        {
            case "list":
                return await client.GetUserCommandsAsync((int)given["id"]);
            case "execute":
                return await client.ExecuteUserCommandAsync(
                    (int)given["id"],
                    (string)given["commandName"],
                    given["actionResult"]?.ToObject<CommandActionResult>(),
                    idempotency_Key: (string)given["idempotencyKey"],
                    x_Dry_Run: (bool?)given["dryRun"]);
            case "everyType":
                var inputs = given["inputs"].ToObject<EveryTypeInputs>();
                var answer = given["actionResult"].ToObject<ActionResult3>(); // every-type is the third command by name
                return await client.EveryTypeAsync((int)given["id"], inputs, answer);
            case "user":
                return await client.GetUserAsync((int)given["id"], select: (string)given["select"]);
            case "logIn":
                var logIn = new LogIn { UserName = (string)given["userName"], Password = Environment("PASSWORD") };
                var session = await client.BeginSessionAsync(logIn);
                ticket = session.Ticket;
                return session;
            case "executions":
                var page = await client.ListExecutionsAsync(limit: (int)given["limit"]);
                newest = page.Executions.First().Id;
                return page;
            case "execution":
                return await client.GetExecutionAsync(given["id"] == null ? newest : Guid.Parse((string)given["id"]));
            default:
                throw new ArgumentException("there is no call " + call);
        }
    }
}
