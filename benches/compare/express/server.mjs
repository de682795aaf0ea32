// The same operation as one would write it by hand: Express and better-sqlite3, one process. A user is looked up by id,
// actionResult is checked, and running a command is one durable insert. Nobody is asked who calls; nothing is audited.
// Arguments: database, number of users. Prints its address.
import Database from "better-sqlite3";
import express from "express";

const [file, users] = process.argv.slice(2);
const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, full_name TEXT NOT NULL, email TEXT);
  CREATE TABLE executions (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, command_name TEXT NOT NULL,
    action_result TEXT NOT NULL, message TEXT NOT NULL, executed_at TEXT NOT NULL);
  CREATE INDEX ix_executions_user_id ON executions (user_id);`);
const add = db.prepare("INSERT INTO users (name, full_name, email) VALUES (?, ?, ?)");
db.transaction(() => {
  for (let i = 1; i <= Number(users); i++) add.run(`user${i}`, `First${i % 997} Last${i}`, `user${i}@example.com`);
})();

const find = db.prepare("SELECT id, name, full_name, email FROM users WHERE id = ?");
const insert = db.prepare(`INSERT INTO executions (user_id, command_name, action_result, message, executed_at)
  VALUES (?, ?, ?, ?, ?)`);
const RESULTS = new Set(["Implicit", "Yes", "Ok", "No", "Cancel"]);

const app = express();
app.disable("x-powered-by");
app.disable("etag");

app.get("/api/v1/User/:id", (request, response) => {
  const user = find.get(Number(request.params.id));
  if (!user) return response.status(404).json({ Message: "User with given id does not exist in the db." });
  response.json({ AssociateId: user.id, Name: user.name, FullName: user.full_name, Email: user.email });
});

app.post("/api/v1/User/:id/CustomCommand/:commandName", (request, response) => {
  const actionResult = request.query.actionResult ?? "Implicit";
  if (!RESULTS.has(actionResult)) {
    return response.status(400).json({ Message: `actionResult is none of ${[...RESULTS].join(", ")}` });
  }
  const user = find.get(Number(request.params.id));
  if (!user) return response.status(404).json({ Message: "User with given id does not exist in the db." });
  const message = `Hello, ${user.full_name}!`;
  insert.run(user.id, request.params.commandName, actionResult, message, new Date().toISOString());
  response.json({ Success: true, Message: message, Result: actionResult, TableRight: null, FieldProperties: {} });
});

const listener = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${listener.address().port}/`));
