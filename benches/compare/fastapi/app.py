"""The same operation as one would write it by hand: FastAPI, SQLAlchemy with aiosqlite, one uvicorn worker. A user is looked
up by id, actionResult is checked, and running a command is one durable insert. Nobody is asked who calls; nothing is
audited.

Arguments: database, number of users. Prints its address.
"""

import socket
import sys
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from enum import Enum

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import ForeignKey, event, insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    full_name: Mapped[str]
    email: Mapped[str | None]


class Execution(Base):
    __tablename__ = "executions"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    command_name: Mapped[str]
    action_result: Mapped[str]
    message: Mapped[str]
    executed_at: Mapped[datetime]


class ActionResult(str, Enum):
    Implicit = "Implicit"
    Yes = "Yes"
    Ok = "Ok"
    No = "No"
    Cancel = "Cancel"


class UserCarrier(BaseModel):
    AssociateId: int
    Name: str
    FullName: str
    Email: str | None


class CommandResult(BaseModel):
    Success: bool
    Message: str
    Result: ActionResult
    TableRight: None = None
    FieldProperties: dict[str, str] = {}


file, users = sys.argv[1], int(sys.argv[2])
engine = create_async_engine(f"sqlite+aiosqlite:///{file}", connect_args={"timeout": 30})
Session = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def prepare(connection, _record):
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


@asynccontextmanager
async def lifespan(_app):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        rows = [
            {"name": f"user{i}", "full_name": f"First{i % 997} Last{i}", "email": f"user{i}@example.com"}
            for i in range(1, users + 1)
        ]
        await connection.execute(insert(User), rows)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def session():
    async with Session() as opened:
        yield opened


async def find(db: AsyncSession, id: int) -> User:
    user = await db.get(User, id)
    if user is None:
        raise HTTPException(404, "User with given id does not exist in the db.")
    return user


@app.get("/api/v1/User/{id}")
async def get_user(id: int, db: AsyncSession = Depends(session)) -> UserCarrier:
    user = await find(db, id)
    return UserCarrier(AssociateId=user.id, Name=user.name, FullName=user.full_name, Email=user.email)


@app.post("/api/v1/User/{id}/CustomCommand/{commandName}")
async def execute_user_command(
    id: int,
    commandName: str,
    actionResult: ActionResult = ActionResult.Implicit,
    db: AsyncSession = Depends(session),
) -> CommandResult:
    user = await find(db, id)
    message = f"Hello, {user.full_name}!"
    db.add(
        Execution(
            user_id=user.id,
            command_name=commandName,
            action_result=actionResult.value,
            message=message,
            executed_at=datetime.now(timezone.utc),
        )
    )
    await db.commit()
    return CommandResult(Success=True, Message=message, Result=actionResult)


if __name__ == "__main__":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, loop="uvloop", http="httptools")
    uvicorn.Server(config).run(sockets=[listener])
