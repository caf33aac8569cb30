// Answers "ok" over HTTP on $PORT. The bug: with allowHalfOpen, a socket whose client has closed
// stays open until end() is called, and nobody calls it.
'use strict';
const net = require('net');

const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n';
const sessions = new Set();

const server = net.createServer({allowHalfOpen: true}, (socket) => {
  sessions.add(socket);
  socket.on('data', () => socket.write(RESPONSE));
  socket.on('end', () => socket.removeAllListeners('data'));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sessions.delete(socket));
});

server.listen(Number(process.env.PORT), '0.0.0.0');
