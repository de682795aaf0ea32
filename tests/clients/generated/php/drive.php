<?php
// Makes the calls with the client of openapi-generator for PHP, over Debian's Guzzle.

require 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    $name = str_replace(['Kommando\\Client\\', '\\'], ['', '/'], $class);
    $file = getcwd() . "/kommando-client/lib/$name.php";
    if (is_file($file)) {
        require $file;
    }
});

use Kommando\Client\Api\CommandsApi;
use Kommando\Client\Api\OperatorApi;
use Kommando\Client\Api\SessionApi;
use Kommando\Client\Api\UserApi;
use Kommando\Client\ApiException;
use Kommando\Client\Configuration;
use Kommando\Client\Model\EveryTypeInputs;
use Kommando\Client\Model\LogIn;

function configured(string $who, ?string $ticket): Configuration
{
    $configuration = (new Configuration())->setHost(getenv('ADDRESS'));
    return match ($who) {
        'anonymous' => $configuration,
        'ticket' => $configuration->setApiKey('Authorization', $ticket)->setApiKeyPrefix('Authorization', 'SoTicket'),
        'wrong' => $configuration->setUsername('admin')->setPassword('wrong'),
        default => $configuration->setUsername($who)->setPassword(getenv('PASSWORD')),
    };
}

function make(Configuration $configuration, string $call, array $given, ?string $newest): array
{
    $client = new GuzzleHttp\Client();
    $users = new UserApi($client, $configuration);
    $operator = new OperatorApi($client, $configuration);
    return match ($call) {
        'list' => $users->getUserCommandsWithHttpInfo($given['id']),
        'execute' => $users->executeUserCommandWithHttpInfo(
            $given['id'],
            $given['commandName'],
            $given['actionResult'] ?? null,
            $given['idempotencyKey'] ?? null,
            $given['dryRun'] ?? null,
        ),
        'everyType' => (new CommandsApi($client, $configuration))->everyTypeWithHttpInfo(
            $given['id'],
            new EveryTypeInputs(['until' => new DateTime($given['inputs']['until'])] + $given['inputs']),
            $given['actionResult'],
        ),
        'user' => $users->getUserWithHttpInfo($given['id'], select: $given['select']),
        'logIn' => (new SessionApi($client, $configuration))->beginSessionWithHttpInfo(
            (new LogIn())->setUserName($given['userName'])->setPassword(getenv('PASSWORD')),
        ),
        'executions' => $operator->listExecutionsWithHttpInfo(limit: $given['limit']),
        'execution' => $operator->getExecutionWithHttpInfo($given['id'] ?? $newest),
    };
}

$ticket = $newest = null;
foreach (json_decode(file_get_contents(getenv('CALLS')), true) as $call) {
    try {
        [$body, $status, $headers] = make(configured($call['as'], $ticket), $call['call'], $call['with'], $newest);
    } catch (ApiException $error) {
        [$body, $status, $headers] = [$error->getResponseObject(), $error->getCode(), $error->getResponseHeaders()];
    }
    if ($call['call'] === 'logIn') {
        $ticket = $body->getTicket();
    }
    if ($call['call'] === 'executions') {
        $newest = $body->getExecutions()[0]->getId();
    }
    $headers = array_map(fn (array $values): string => $values[0], $headers);
    echo json_encode(['status' => $status, 'headers' => $headers, 'body' => $body]), "\n";
}
