// Users and executions in a new SQLite file, by better-sqlite3.
import Database from "better-sqlite3";

export function open(file, users) {
  const db = new Database(file);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, full_name TEXT NOT NULL, email TEXT);
    CREATE TABLE executions (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, command_name TEXT NOT NULL,
      action_result TEXT NOT NULL, message TEXT NOT NULL, executed_at TEXT NOT NULL);
    CREATE INDEX ix_executions_user_id ON executions (user_id);`);
  const add = db.prepare("INSERT INTO users (id, name, full_name, email) VALUES (@id, @name, @full_name, @email)");
  db.transaction(() => users.forEach((user) => add.run(user)))();

  const find = db.prepare("SELECT id, name, full_name, email FROM users WHERE id = ?");
  const insert = db.prepare(`INSERT INTO executions (user_id, command_name, action_result, message, executed_at)
    VALUES (?, ?, ?, ?, ?)`);
  return { find: (id) => find.get(id), insert: (values) => insert.run(values) };
}
