"""Connections of arq's that wait for a Redis that is away, also where something in front of it accepts them."""

from redis.asyncio import Connection, ConnectionPool, SSLConnection
from redis.asyncio.connection import AbstractConnection


class Patient(AbstractConnection):
    """redis-py tries again to connect, but not what it says first: behind a balancer, or just when Redis ends, a
    connection is accepted and closed, which would end arq and with it the worker."""

    async def connect(self) -> None:
        await self.retry.call_with_retry(super().connect, self._hang_up)

    async def _hang_up(self, error: Exception) -> None:
        await self.disconnect()


class PatientConnection(Patient, Connection):
    """Over TCP."""


class PatientSSLConnection(Patient, SSLConnection):
    """Over TLS."""


async def make_patient(pool: ConnectionPool) -> None:
    """Its connections are patient from now on. None may be in use."""
    tls = issubclass(pool.connection_class, SSLConnection)
    pool.connection_class = PatientSSLConnection if tls else PatientConnection
    await pool.disconnect()
    pool.reset()  # type: ignore[no-untyped-call]
