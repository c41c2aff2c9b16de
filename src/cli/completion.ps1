# Completion of orch for PowerShell. The program itself knows what fits; nothing that was typed is run.
Register-ArgumentCompleter -Native -CommandName orch -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object {
        $isText = $_ -is [System.Management.Automation.Language.StringConstantExpressionAst]
        $text = if ($isText) { $_.Value } else { $_.Extent.Text }
        "'" + $text.Replace("'", "''") + "'"
    })
    if ($wordToComplete -eq '') { $words += "''" }
    $before = $env:ORCH_COMPLETE
    $env:ORCH_COMPLETE = 'powershell'
    $found = Invoke-Expression "& orch -- $($words -join ' ')"
    $env:ORCH_COMPLETE = $before
    $found | ForEach-Object {
        $value, $help = $_.Split("`t", 2)
        $shown = if ($value -match '[\s'']') { "'" + $value.Replace("'", "''") + "'" } else { $value }
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($shown, $value, 'ParameterValue', $help)
    }
}
