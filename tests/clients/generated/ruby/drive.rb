# Makes the calls with the client of openapi-generator for Ruby, over Debian's Faraday.

require 'base64'
require 'json'
require 'kommando-client'

def client_of(who, ticket)
  configuration = Kommando::Configuration.new
  configuration.scheme, configuration.host = ENV['ADDRESS'].split('://')
  case who
  when 'anonymous'
  when 'ticket'
    configuration.api_key['Authorization'] = ticket
    configuration.api_key_prefix['Authorization'] = 'SoTicket'
  when 'wrong'
    configuration.username, configuration.password = 'admin', 'wrong'
  else
    configuration.username, configuration.password = who, ENV['PASSWORD']
  end
  Kommando::ApiClient.new(configuration)
end

def make(client, call, given, newest)
  users = Kommando::UserApi.new(client)
  operator = Kommando::OperatorApi.new(client)
  case call
  when 'list'
    users.get_user_commands_with_http_info(given['id'])
  when 'execute'
    options = {
      action_result: given['actionResult'],
      idempotency_key: given['idempotencyKey'],
      dry_run: given['dryRun']&.to_s # Faraday's headers are strings
    }
    users.execute_user_command_with_http_info(given['id'], given['commandName'], options)
  when 'everyType'
    inputs = Kommando::EveryTypeInputs.build_from_hash(given['inputs'].transform_keys(&:to_sym))
    options = { action_result: given['actionResult'] }
    Kommando::CommandsApi.new(client).every_type_with_http_info(given['id'], inputs, options)
  when 'user'
    users.get_user_with_http_info(given['id'], select: given['select'])
  when 'logIn'
    log_in = Kommando::LogIn.new(user_name: given['userName'], password: ENV['PASSWORD'])
    Kommando::SessionApi.new(client).begin_session_with_http_info(log_in)
  when 'executions'
    operator.list_executions_with_http_info(limit: given['limit'])
  when 'execution'
    operator.get_execution_with_http_info(given['id'] || newest)
  end
end

# The names and values of an answer as the document has them.
def plain(data)
  data.is_a?(Array) ? data.map(&:to_hash) : data.to_hash
end

ticket = newest = nil
JSON.parse(File.read(ENV['CALLS'])).each do |call|
  begin
    data, status, headers = make(client_of(call['as'], ticket), call['call'], call['with'], newest)
    ticket = data.ticket if call['call'] == 'logIn'
    newest = data.executions[0].id if call['call'] == 'executions'
    body = plain(data)
  rescue Kommando::ApiError => error
    status, headers, body = error.code, error.response_headers, JSON.parse(error.response_body)
  end
  puts JSON.generate(status: status, headers: headers.to_h, body: body)
end
