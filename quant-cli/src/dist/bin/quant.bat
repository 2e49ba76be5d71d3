@echo off
rem Starts Mono Quant. JAVA_HOME picks the Java, else the first one on PATH; QUANT_OPTS adds JVM options.
setlocal
for %%h in ("%~dp0..") do set "QUANT_HOME=%%~fh"
if not defined JAVA_HOME goto path
set "QUANT_JAVA=%JAVA_HOME%\bin\java.exe"
if not exist "%QUANT_JAVA%" goto nohome
if not exist "%JAVA_HOME%\release" goto run
set "QUANT_VERSION="
for /f "usebackq tokens=2 delims==" %%v in (`findstr /b "JAVA_VERSION=" "%JAVA_HOME%\release"`) do set "QUANT_VERSION=%%~v"
if not defined QUANT_VERSION goto run
for /f "tokens=1,2 delims=.+-_" %%a in ("%QUANT_VERSION%") do (
  if "%%a"=="1" (set "QUANT_MAJOR=%%b") else (set "QUANT_MAJOR=%%a")
)
if %QUANT_MAJOR% LSS 17 goto old
goto run

:path
set "QUANT_JAVA=java.exe"
where /q java.exe
if errorlevel 1 goto nojava

:run
set "OPT_OUT_TRACKING=true"
rem Two collectors at once are an error of the JVM's.
set "QUANT_GC=-XX:+UseSerialGC"
if defined QUANT_OPTS echo "%QUANT_OPTS%" | findstr /r /c:"-XX:+Use[A-Za-z0-9]*GC" >nul && set "QUANT_GC="
rem An archive of loaded classes, see docs/performance.md; Java ignores one that another Java has made.
set "QUANT_ARCHIVE="
if exist "%QUANT_HOME%\lib\quant.jsa" set QUANT_ARCHIVE="-XX:SharedArchiveFile=%QUANT_HOME%\lib\quant.jsa" -Xlog:disable "-Dmonoquant.archive=%QUANT_HOME%\lib\quant.jsa"
"%QUANT_JAVA%" -Xshare:auto %QUANT_GC% -Xmx512m -XX:FreqInlineSize=60 -XX:Tier4InvocationThreshold=20000 -XX:Tier4CompileThreshold=60000 -XX:CompileCommand=quiet -XX:CompileCommand=CompileThresholdScaling,dev.monoquant.vector.Vector*::*,0.0125 -XX:CompileCommand=inline,dev.monoquant.vector.Lanes::* -XX:ProfileMaturityPercentage=0 %QUANT_ARCHIVE% --enable-native-access=ALL-UNNAMED --add-exports=java.base/jdk.internal.module=ALL-UNNAMED -Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 -Dai.djl.offline=true -Dai.djl.pytorch.num_threads=1 %QUANT_OPTS% -cp "%QUANT_HOME%\lib\*;%QUANT_HOME%\lib\plugins\*" dev.monoquant.cli.Main %*
exit /b %ERRORLEVEL%

:nohome
echo quant: JAVA_HOME is %JAVA_HOME%, where there is no bin\java.exe. 1>&2
goto remedy

:nojava
echo quant: there is no java on PATH, and JAVA_HOME is not set. 1>&2
goto remedy

:old
echo quant: %QUANT_JAVA% is Java %QUANT_VERSION%. 1>&2

:remedy
echo Install Java 17 or newer, then set JAVA_HOME to its directory or put its java on PATH. 1>&2
exit /b 1
