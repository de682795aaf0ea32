import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import kommando.ApiClient;
import kommando.ApiException;
import kommando.ApiResponse;
import kommando.api.CommandsApi;
import kommando.api.OperatorApi;
import kommando.api.SessionApi;
import kommando.api.UserApi;
import kommando.model.CommandActionResult;
import kommando.model.EveryTypeInputs;
import kommando.model.ExecutionPage;
import kommando.model.LogIn;
import kommando.model.Session;

/** Makes the calls with the client of openapi-generator for Java, over the HTTP client of the JDK. */
public final class Calls {
    private static final ObjectMapper JSON = ApiClient.createDefaultObjectMapper();

    private String ticket;
    private UUID newest;

    public static void main(String[] words) throws Exception {
        var calls = new Calls();
        for (JsonNode call : JSON.readTree(Files.readString(Path.of(System.getenv("CALLS"))))) {
            calls.tell(call);
        }
    }

    private void tell(JsonNode call) throws Exception {
        try {
            var answer = make(clientOf(call.get("as").asText()), call.get("call").asText(), call.get("with"));
            print(answer.getStatusCode(), answer.getHeaders(), JSON.valueToTree(answer.getData()));
        } catch (ApiException error) {
            print(error.getCode(), error.getResponseHeaders().map(), JSON.readTree(error.getResponseBody()));
        }
    }

    private static void print(int status, Map<String, List<String>> headers, JsonNode body) {
        ObjectNode line = JSON.createObjectNode().put("status", status);
        headers.forEach((name, values) -> line.withObject("/headers").put(name, values.get(0)));
        System.out.println(line.set("body", body));
    }

    private ApiClient clientOf(String who) {
        var client = new ApiClient(HttpClient.newBuilder(), ApiClient.createDefaultObjectMapper(), System.getenv("ADDRESS"));
        String password = who.equals("wrong") ? "wrong" : System.getenv("PASSWORD");
        String authorization = switch (who) {
            case "anonymous" -> null;
            case "ticket" -> "SoTicket " + ticket;
            case "wrong" -> basic("admin", password);
            default -> basic(who, password);
        };
        if (authorization != null) {
            client.setRequestInterceptor(request -> request.header("Authorization", authorization));
        }
        return client;
    }

    private static String basic(String name, String password) {
        byte[] both = (name + ":" + password).getBytes(StandardCharsets.UTF_8);
        return "Basic " + Base64.getEncoder().encodeToString(both);
    }

    private ApiResponse<?> make(ApiClient client, String call, JsonNode given) throws ApiException {
        var users = new UserApi(client);
        var operator = new OperatorApi(client);
        switch (call) {
            case "list":
                var listRequest = UserApi.APIGetUserCommandsRequest.newBuilder().id(given.get("id").asInt());
                return users.getUserCommandsWithHttpInfo(listRequest.build());
            case "execute":
                return users.executeUserCommandWithHttpInfo(what(given));
            case "everyType":
                return new CommandsApi(client).everyTypeWithHttpInfo(everyType(given));
            case "user":
                var user = UserApi.APIGetUserRequest.newBuilder().id(given.get("id").asInt());
                return users.getUserWithHttpInfo(user.$select(given.get("select").asText()).build());
            case "logIn":
                var logIn = new LogIn().userName(given.get("userName").asText()).password(System.getenv("PASSWORD"));
                ApiResponse<Session> session = new SessionApi(client).beginSessionWithHttpInfo(logIn);
                ticket = session.getData().getTicket();
                return session;
            case "executions":
                var limit = OperatorApi.APIListExecutionsRequest.newBuilder().limit(given.get("limit").asInt());
                ApiResponse<ExecutionPage> page = operator.listExecutionsWithHttpInfo(limit.build());
                newest = page.getData().getExecutions().get(0).getId();
                return page;
            case "execution":
                UUID id = given.has("id") ? UUID.fromString(given.get("id").asText()) : newest;
                return operator.getExecutionWithHttpInfo(OperatorApi.APIGetExecutionRequest.newBuilder().id(id).build());
            default:
                throw new IllegalArgumentException("there is no call " + call);
        }
    }

    private static CommandsApi.APIEveryTypeRequest everyType(JsonNode given) {
        var values = given.get("inputs");
        var inputs = new EveryTypeInputs()
            .reason(values.get("reason").asText())
            .count(values.get("count").asInt())
            .sure(values.get("sure").asBoolean())
            .until(LocalDate.parse(values.get("until").asText()))
            .kind(EveryTypeInputs.KindEnum.fromValue(values.get("kind").asText()))
            .manager(values.get("manager").asInt())
            .group(values.get("group").asInt())
            .role(values.get("role").asInt())
            .email(values.get("email").asText())
            .pin(values.get("pin").asText());
        var request = CommandsApi.APIEveryTypeRequest.newBuilder().id(given.get("id").asInt()).everyTypeInputs(inputs);
        return request.actionResult(given.get("actionResult").asText()).build();
    }

    private static UserApi.APIExecuteUserCommandRequest what(JsonNode given) {
        var what = UserApi.APIExecuteUserCommandRequest.newBuilder();
        what.id(given.get("id").asInt()).commandName(given.get("commandName").asText());
        if (given.has("actionResult")) {
            what.actionResult(CommandActionResult.fromValue(given.get("actionResult").asText()));
        }
        if (given.has("idempotencyKey")) {
            what.idempotencyKey(given.get("idempotencyKey").asText());
        }
        if (given.has("dryRun")) {
            what.dryRun(given.get("dryRun").asBoolean());
        }
        return what.build();
    }
}
